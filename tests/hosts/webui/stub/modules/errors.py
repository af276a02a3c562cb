"""Errors of extensions are printed and swallowed."""

import sys
import traceback


def report(message):
    sys.stderr.write(f"*** {message}\n{traceback.format_exc()}")
