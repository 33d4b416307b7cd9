"""``python -m emotion_client`` is the command ``emotion``."""

from emotion_client.cli.entry import main

main()
