"""The page at ``/``: its files stand in ``page/`` and are served as they are, without a build step."""
