# Prints the first Python on PATH that runs and has a supported version. Version managers put shims on PATH for
# interpreters that aren't selected, so each candidate is run. 3.12 and 3.11 come first, since the wheel with the oldest
# Redis, which the tests use, supports no newer version.
for name in python3.12 python3.11 python3 python3.13 python; do
    path=$(command -v "$name" 2>/dev/null) || continue
    if "$path" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
        echo "$path"
        exit 0
    fi
done
