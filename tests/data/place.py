"""Where is the recorded data? Beside the project, in `../shared/data`."""

from pathlib import Path

_PLACE = Path(__file__).resolve().parents[3] / "shared" / "data"


def shared_data() -> Path:
    """The folder of recorded data.

    Raises:
        FileNotFoundError: it is not on this machine.
    """
    if not _PLACE.is_dir():
        raise FileNotFoundError("There is no ../shared/data beside the project: recorded data is not here")
    return _PLACE
