"""The console script ``crm-auth``."""

from bootstrap.operations import ServiceOperations
from interfaces.cli.commands import command_line


def main() -> None:
    """Run the command line on the service."""
    command_line(obj=ServiceOperations())


if __name__ == "__main__":
    main()
