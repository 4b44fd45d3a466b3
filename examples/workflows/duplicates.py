"""What duplicates.yaml calls."""

import hashlib
import os


def digest(path):
    sha256 = hashlib.sha256()
    with open(path, "rb") as file:
        for piece in iter(lambda: file.read(1 << 20), b""):
            sha256.update(piece)
    return {"path": path, "bytes": os.path.getsize(path), "sha256": sha256.hexdigest()}


class Index:
    def __init__(self, smallest):
        self.smallest = smallest
        self.files = 0
        self.paths = {}  # content -> [bytes, paths]

    def add(self, file):
        """True if this content is new."""
        if file["bytes"] < self.smallest:
            return False
        self.files += 1
        paths = self.paths.setdefault(file["sha256"], [file["bytes"], []])[1]
        paths.append(file["path"])
        return len(paths) == 1

    def report(self):
        same = [[size, sorted(paths)] for size, paths in self.paths.values() if len(paths) > 1]
        return {
            "files": self.files,
            "contents": len(self.paths),
            "wasted": sum(size * (len(paths) - 1) for size, paths in same),
            "same": sorted((paths for _, paths in same)),
        }
