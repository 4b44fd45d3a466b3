# Functions: found by module:function in the folder of the workflow.
class NotThere(Exception):
    def __init__(self, kind, message):
        self.kind = kind
        Exception.__init__(self, message)


_functions = {}  # "module:function" -> (callable, whether it gives a coroutine)


def nearest(name, names):
    import difflib
    found = difflib.get_close_matches(name, [n for n in names if not n.startswith("__")], 1)
    return "; did you mean '%s'?" % found[0] if found else ""


def modules_here():
    names = []
    for entry in os.scandir(_dir):
        if entry.name.endswith(".py"):
            names.append(entry.name[:-3])
        elif entry.is_dir() and os.path.exists(os.path.join(entry.path, "__init__.py")):
            names.append(entry.name)
    return names


def load_module(name):
    try:
        __import__(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name + ".").startswith(error.name + "."):
            raise  # something that it imports
        raise NotThere("ModuleNotFoundError", "there is no module '%s' in %s or on Python's path%s" % (
            name, _dir, nearest(name, modules_here()))) from None
    return sys.modules[name]


def find(name):
    module_name, _, path = name.partition(":")
    module = found = load_module(module_name)
    for part in path.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            where = "module '%s'" % module_name if found is module else "'%s'" % found.__name__
            raise NotThere("AttributeError", "%s (%s) has no function '%s'%s" % (
                where, getattr(module, "__file__", None) or "built in", part,
                nearest(part, dir(found)))) from None
    if not callable(found):
        raise NotThere("TypeError", "%s is not a function, it is of type %s" % (name, type(found).__name__))
    return found, gives_coroutine(found)


def gives_coroutine(function):
    while hasattr(function, "func") and hasattr(function, "keywords"):  # functools.partial
        function = function.func
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    if code is None:
        code = getattr(getattr(type(function), "__call__", None), "__code__", None)
    return bool(code is not None and code.co_flags & 0x80)  # CO_COROUTINE
