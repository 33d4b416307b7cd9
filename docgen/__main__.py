"""``python -m docgen``: what ``make docs`` runs."""

from pathlib import Path

from docgen.configuration import configuration_page

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Write the pages; a contract test compares them with what would be written."""
    (ROOT / "docs" / "configuration.md").write_text(configuration_page(ROOT), "utf-8")


if __name__ == "__main__":
    main()
