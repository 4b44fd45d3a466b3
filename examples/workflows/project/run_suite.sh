# run_suite.sh NAME: runs suites/NAME.txt, lines of `want|function|argument…`, against NAME.sh; TAP out.
set -eu
suite=$1
. "./$suite.sh"
number=0
failed=0
while IFS='|' read -r want call first second; do
    number=$((number + 1))
    if [ -n "$second" ]; then got=$("$call" "$first" "$second"); else got=$("$call" "$first"); fi
    if [ "$got" = "$want" ]; then
        echo "ok $number - $call $first"
    else
        echo "not ok $number - $call $first: '$got' instead of '$want'"
        failed=$((failed + 1))
    fi
done < "suites/$suite.txt"
echo "1..$number"
[ "$failed" -eq 0 ]
