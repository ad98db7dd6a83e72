"""The ``aiguard`` command."""
