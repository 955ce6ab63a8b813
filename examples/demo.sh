# Builds a copy of examples/weather, edits it, builds again, and tells what ran and why.
# FP is the command to use; the checkout itself is not touched.
set -eu

fp=${FP:-fp}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/fusionpipe-demo.XXXXXX")
trap 'rm -rf "$work"' EXIT INT TERM

say() { printf '\n== %s\n' "$*"; }
run() { printf '\n$ fp %s\n' "$*"; "$fp" "$@"; }

# Only what the example consists of: not what an earlier build by hand may have left in the checkout.
mkdir "$work/weather"
(cd "$here/weather" && tar cf - --exclude=.fusionpipe --exclude=__pycache__ .) | (cd "$work/weather" && tar xf -)
cd "$work/weather"

say "This is the project: six scripts and one source, each in a directory of its own."
run graph

say "Nothing was ever built, so everything runs; nodes that do not read each other run side by side."
run build

say "Nothing has changed, so there is nothing to do."
run build

say "A comment is added to prep/clean. Its code has changed, so it runs; but it writes the same bytes as before,"
echo "   so none of the five nodes that read it runs: that is the early cutoff."
echo "# This comment changes nothing." >> prep/clean/code/main.py
run build
run why prep/clean

say "The moving average shall be over 91 days instead of 31: one parameter of stats/trend."
sed 's/^window = 31/window = 91/' stats/trend/node.toml > changed && mv changed stats/trend/node.toml
run build
run why stats/trend

say "And back to 31: both results are still in the store, so nothing runs."
sed 's/^window = 91/window = 31/' stats/trend/node.toml > changed && mv changed stats/trend/node.toml
run build
run status

say "The page with the picture:"
if [ -t 1 ] && [ -z "${CI:-}" ]; then
    trap - EXIT INT TERM
    echo "   $work/weather/report/reports/report.html"
    echo "   (this copy of the example is yours to play with; it lies in a temporary directory)"
else
    ls -l -L report/reports
fi
