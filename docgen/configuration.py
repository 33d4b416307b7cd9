"""The page ``docs/configuration.md``."""

from pathlib import Path
from string import Template
from textwrap import fill

from docgen.tables import compose_table, flags_table, passed_through, settings_table
from launcher.settings import LauncherSettings
from services.capture.settings import CaptureSettings
from services.detector.settings import DetectorSettings
from services.gateway.settings import GatewaySettings
from services.serving.flag_parser import create_parser

TEMPLATE = Path(__file__).with_name("configuration.md.in")


def configuration_page(root: Path) -> str:
    """Return the page's text.

    Args:
        root: The repository, with the Compose files and ``.env.example``.
    """
    example = (root / ".env.example").read_text("utf-8")
    files = [root / "docker-compose.yml", *sorted(root.glob("compose.*.yml"))]
    return Template(TEMPLATE.read_text("utf-8")).substitute(
        gateway=settings_table(GatewaySettings),
        detector=settings_table(DetectorSettings),
        capture=settings_table(CaptureSettings),
        launcher=settings_table(LauncherSettings),
        serving=flags_table(create_parser("")),
        compose=compose_table(example, {file.name: file.read_text("utf-8") for file in files}),
        passed_through=fill(", ".join(f"`{name}`" for name in passed_through(example)), width=120),
    )
