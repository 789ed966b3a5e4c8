"""`python -I inside launch` shuts the doors and starts `python -I inside run TASK`, which runs the submission."""

import sys


def main():
    """Do what the first argument says."""
    if sys.argv[1] == "launch":
        import launch

        launch.main()
    else:
        import runner

        runner.main(sys.argv[2], sys.argv[3:])


if __name__ == "__main__":
    main()
