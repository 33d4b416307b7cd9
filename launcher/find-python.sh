# Prints the first Python that runs and has a version we support. A name on PATH is not enough:
# version managers put shims there for interpreters that aren't chosen. 3.12 and 3.11 come first, since
# the oldest Redis, which the tests take from a wheel, ends with 3.12.
for name in python3.12 python3.11 python3 python3.13 python; do
    path=$(command -v "$name" 2>/dev/null) || continue
    if "$path" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
        echo "$path"
        exit 0
    fi
done
