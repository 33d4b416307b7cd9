from argparse import ArgumentParser

from docgen.flags_table import flags_table


def test_defaults_are_taken_out_of_the_help() -> None:
    parser = ArgumentParser()
    parser.add_argument("--port", help="port of gRPC (default 8500)")
    parser.add_argument("--threads", help="requests at the same time (default: four for each CPU)")
    parser.add_argument("--poll", help="seconds until it looks again (default 1; 0: never)")
    parser.add_argument("--file", help="file (or folder) that says how")
    assert flags_table(parser).splitlines() == [
        "| flag | default | meaning |",
        "|---|---|---|",
        "| `--port` | 8500 | port of gRPC |",
        "| `--threads` | four for each CPU | requests at the same time |",
        "| `--poll` | 1 | seconds until it looks again; 0: never |",
        "| `--file` | – | file (or folder) that says how |",
    ]
