# Makes requirements/*.lock from *.in. All share the versions of dev.lock, which is resolved first.
# Names, versions and hashes only: no addresses.
set -eu
cd "$(dirname "$0")"
compile() {
    "$UV" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-annotate --no-header "$@"
}
compile bootstrap.in -o bootstrap.lock
compile dev.in --overrides overrides.txt -o dev.lock
for name in run capture detector gateway serving; do
    compile "$name.in" --overrides overrides.txt --constraints dev.lock -o "$name.lock"
done
# The files of these two packages are taken out of them, so what they need isn't needed.
compile messages.in --no-deps --constraints dev.lock -o messages.lock
# Other systems, each for an environment of its own. fer's second detector, which isn't measured, would bring 3 GB of CUDA.
cd ../bench/competitors
compile fer.in --overrides ../../requirements/overrides.txt --excludes excluded.txt -o fer.lock
compile deepface.in -o deepface.lock
