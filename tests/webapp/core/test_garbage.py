"""Programs that work for long search for garbage only among what is new."""

import subprocess
import sys


def test_what_was_loaded_is_never_searched():
    """In a process of its own, for nothing takes the objects of this one back."""
    script = "import gc; from webapp.core import garbage; garbage.spare_what_is_loaded(); print(len(gc.get_objects()))"
    assert int(subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout) < 500
