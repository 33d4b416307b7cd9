"""``python -m docgen``, the command behind ``make docs``."""

from pathlib import Path

from docgen.configuration import configuration_page

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Write the pages. A contract test checks that they are current."""
    (ROOT / "docs" / "configuration.md").write_text(configuration_page(ROOT), "utf-8")


if __name__ == "__main__":
    main()
