# slug TEXT: lower case, everything but letters and digits becomes one dash.
slug() {
    printf '%s' "$1" | tr 'A-Z' 'a-z' | tr -cs 'a-z0-9' '-' | sed 's/^-//; s/-$//'
}
