# Runs in a jail, as the last thing of Python's own start (site imports `usercustomize`): waits until the program's
# command line and input are known, and leaves nothing of itself. Python then goes on as if there had been no such file.
# Where a file `zygote` lies beside this one, the program is a copy of this process, in a jail of its own: what is
# loaded from there comes back in the copies alone, confined and with their own stdin, stdout and stderr.
import _imp
import posix
import sys


def _read(size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = posix.read(0, size - len(data))
        if not more:
            posix._exit(1)
        data += more
    return data


def _wait(path: str) -> None:
    try:
        posix.stat(path)
    except OSError:
        posix.write(1, b"\0")  # ready; what comes on stdin is this program's own
        return
    try:
        _imp.create_dynamic(type("", (), {"name": "zygote", "origin": path}))
    except SystemError:  # no module was made: this is a copy
        return


_folder = __file__.rpartition("/")[0]
_wait(_folder + "/zygote")
_arguments = _read(int.from_bytes(_read(4), "little")).split(b"\0")[:-1]
_arguments = [argument.decode("utf-8", "surrogateescape") for argument in _arguments]
sys.argv += _arguments
sys.orig_argv += _arguments
sys.path.remove(_folder)
sys.path_importer_cache.pop(_folder, None)
raise ImportError(name="usercustomize")
