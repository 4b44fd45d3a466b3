# csv_field NUMBER LINE: a field of a CSV line, quotes and doubled quotes understood.
csv_field() {
    printf '%s\n' "$2" | awk -v want="$1" '{
        field = 1; quoted = 0; out = ""
        for (i = 1; i <= length($0); i++) {
            c = substr($0, i, 1)
            if (c == "\"") {
                if (quoted && substr($0, i + 1, 1) == "\"") { if (field == want) out = out c; i++ }
                else quoted = !quoted
            } else if (c == "," && !quoted) field++
            else if (field == want) out = out c
        }
        print out
    }'
}
