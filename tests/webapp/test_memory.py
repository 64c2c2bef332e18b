"""What the web app and the reconciler leave on the disk until somebody needs it."""

import os
import subprocess
import sys

RARE = {"PIL", "alembic", "av", "numpy", "pywebpush", "requests"}
START = "import sys; from webapp import reconciler, server; server.create_app(migrates=False); print(*sys.modules)"


def test_rarely_used_libraries_are_not_loaded_at_start(tmp_path):
    settings = {
        "STILLAIR_DATA": str(tmp_path),
        "STILLAIR_SECRET_KEY": "s" * 40,
        "LIVEKIT_URL": "ws://127.0.0.1:9",
        "LIVEKIT_API_KEY": "test",
        "LIVEKIT_API_SECRET": "t" * 40,
    }
    command = [sys.executable, "-c", START]
    loaded = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | settings).stdout.split()
    assert "webapp.reconciler" in loaded
    assert not RARE & set(loaded)
