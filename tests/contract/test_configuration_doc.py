"""The configuration page is generated from the settings and is complete."""

from docgen.configuration import configuration_page
from docgen.tables import COMPOSE_PREFIX, default_text, passed_through, read_example
from tests.contract.surface import COMPOSE_DEFAULTS, SETTINGS
from tests.support.markdown import rows
from tests.support.processes import ROOT

PAGE = (ROOT / "docs" / "configuration.md").read_text("utf-8")
EXAMPLE = (ROOT / ".env.example").read_text("utf-8")
WRITTEN = {
    f"{cls.model_config['env_prefix']}{name}".upper(): default_text(field)
    for cls in SETTINGS
    for name, field in cls.model_fields.items()
}


def test_page_is_up_to_date() -> None:
    assert configuration_page(ROOT) == PAGE, "run make docs"


def test_every_variable_has_a_description() -> None:
    documented = {row[0]: row[-1] for row in rows(PAGE) if row[0].startswith("EMOTION_")}
    own_to_compose = {name for name in COMPOSE_DEFAULTS if name.startswith(COMPOSE_PREFIX)}
    assert documented.keys() == WRITTEN.keys() | own_to_compose
    assert [name for name, meaning in documented.items() if meaning == "–" or not meaning.endswith(".")] == []


def test_compose_uses_the_defaults_of_the_services() -> None:
    assert {name: COMPOSE_DEFAULTS[name] for name in passed_through(EXAMPLE)} == {
        name: WRITTEN[name] for name in passed_through(EXAMPLE)
    }


def test_every_variable_of_the_example_is_in_use() -> None:
    assert {variable.name for variable in read_example(EXAMPLE)} == COMPOSE_DEFAULTS.keys()
