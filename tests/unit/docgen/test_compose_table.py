from docgen.compose_table import compose_table, handed_on

EXAMPLE = """\
# About the file, not about a variable.

# compose.lamp.yml

# Most lamps
# at the same time.
#EMOTION_COMPOSE_LAMPS=2
#EMOTION_COMPOSE_SPARE_LAMPS=1
# Required.
#EMOTION_COMPOSE_FUSE=

#EMOTION_LAMP_COLOUR=red
"""
FILES = {
    "docker-compose.yml": "${EMOTION_COMPOSE_LAMPS:-2} ${EMOTION_COMPOSE_FUSE:?}",
    "lamp.yml": "${EMOTION_COMPOSE_FUSE}",
}


def test_a_comment_describes_all_variables_below_it() -> None:
    assert compose_table(EXAMPLE, FILES).splitlines()[2:] == [
        "| `EMOTION_COMPOSE_LAMPS` | `2` | `docker-compose.yml` | Most lamps at the same time. |",
        "| `EMOTION_COMPOSE_SPARE_LAMPS` | `1` | – | Most lamps at the same time. |",
        "| `EMOTION_COMPOSE_FUSE` | – | `docker-compose.yml`, `lamp.yml` | Required. |",
    ]


def test_what_services_read_is_handed_on() -> None:
    assert handed_on(EXAMPLE) == ["EMOTION_LAMP_COLOUR"]
