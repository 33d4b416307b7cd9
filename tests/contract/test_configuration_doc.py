"""The page on configuration is what the code says, and leaves nothing out."""

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


def test_the_page_is_what_make_docs_writes() -> None:
    assert configuration_page(ROOT) == PAGE, "run make docs"


def test_every_variable_has_a_meaning() -> None:
    told = {row[0]: row[-1] for row in rows(PAGE) if row[0].startswith("EMOTION_")}
    own_to_compose = {name for name in COMPOSE_DEFAULTS if name.startswith(COMPOSE_PREFIX)}
    assert told.keys() == WRITTEN.keys() | own_to_compose
    assert [name for name, meaning in told.items() if meaning == "–" or not meaning.endswith(".")] == []


def test_compose_hands_on_the_services_own_defaults() -> None:
    assert {name: COMPOSE_DEFAULTS[name] for name in passed_through(EXAMPLE)} == {
        name: WRITTEN[name] for name in passed_through(EXAMPLE)
    }


def test_every_variable_of_the_example_is_read() -> None:
    assert {variable.name for variable in read_example(EXAMPLE)} == COMPOSE_DEFAULTS.keys()
