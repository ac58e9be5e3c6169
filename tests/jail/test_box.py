import errno

import pytest

from sandbox import Cause, Command, Sandbox
from tests.jail.running import MIB, PYTHON, Ask, Runner, limits

WRITE = "import os, sys\ntry:\n {}\nexcept OSError as e: sys.exit(e.errno)\nprint('ok')"


def test_files_go_in_and_come_out(run: Runner) -> None:
    text = "import os; os.mkdir('out'); open('out/a.txt', 'w').write(open('in/b.txt').read().upper())"
    ask = Ask(
        Command((PYTHON, "-c", text), "python"),
        limits(),
        {"in/b.txt": (b"hello", 0o600)},
        outputs=("out/*.txt", "in/*"),
    )
    answer = run.execute(ask)
    assert answer.result.exit_code == 0
    assert [(file.path, file.content) for file in answer.collected] == [("in/b.txt", b"hello"), ("out/a.txt", b"HELLO")]


def test_modes_are_kept(run: Runner) -> None:
    text = "import os; print(*(oct(os.stat(n).st_mode & 0o7777) for n in ('a', 'b', 'c')), os.stat('a').st_uid)"
    files = {"a": (b"", 0o644), "b": (b"", 0o755), "c": (b"", 0o600)}
    ask = Ask(Command((PYTHON, "-c", text), "python"), limits(), files)
    assert run.execute(ask).result.stdout == b"0o644 0o755 0o600 1000\n"


def test_a_full_box_is_the_programs_own_error(run: Runner) -> None:
    text = WRITE.format("open('big', 'wb').write(bytes(20 << 20))")
    result = run.python(text).result
    assert (result.cause, result.exit_code) == (Cause.EXIT, errno.ENOSPC)
    assert run.says("print(1)") == "1\n"


def test_a_box_holds_what_it_was_asked_for(run: Runner) -> None:
    text = WRITE.format("open('big', 'wb').write(bytes(15 << 20))")
    assert run.python(text).result.stdout == b"ok\n"


@pytest.mark.parametrize("folder", [".", "/tmp", "/dev/shm"])
def test_the_number_of_files_is_limited(run: Runner, folder: str) -> None:
    text = f"import os, sys\nos.chdir({folder!r})\ntry:\n for i in range(70_000): os.close(os.open(str(i), 64))\n"
    text += "except OSError as e: sys.exit(e.errno)"
    result = run.python(text, memory_bytes=128 * MIB, file_bytes=MIB).result
    assert result.exit_code == errno.ENOSPC
    assert run.says("open('x', 'w').close(); print(1)") == "1\n"


def test_a_file_past_the_limit_ends_the_program(run: Runner) -> None:
    result = run.program("output", "file", "big", 2 * MIB + 1, file_bytes=2 * MIB)
    assert (result.cause, result.exit_signal) == (Cause.FILE, 25)
    assert run.program("output", "file", "big", 2 * MIB, file_bytes=2 * MIB).exit_code == 0


def test_a_file_cannot_be_made_larger_than_the_limit_without_writing(run: Runner) -> None:
    text = WRITE.format("os.truncate('main.py', 10 << 30)")
    assert run.python(text).result.exit_code == errno.EFBIG


PLANTED = (
    "import os, socket\n"
    "os.symlink('/etc/passwd', 'file'); os.symlink('/etc', 'dir'); os.symlink('nowhere', 'dangling')\n"
    "os.symlink('/proc/self/root/etc/passwd', 'magic'); os.symlink('../etc/passwd', 'up'); os.symlink('.', 'loop')\n"
    "os.mkfifo('fifo'); os.mkdir('folder'); os.mkdir('closed', 0); os.mkdir('deep')\n"
    "socket.socket(socket.AF_UNIX).bind('socket')\n"
    "try: os.mknod('device', 0o20666, os.makedev(0, 0))\n"
    "except OSError: pass\n"
    "open('plain', 'w').write('mine'); os.link('plain', 'hard')\n"
    "open(b'\\xff', 'w'); open('new\\nline', 'w').write('n')\n"
    "open('secret', 'w').write('s'); os.chmod('secret', 0)\n"
    "p = '.'\n"
    "for _ in range(400):\n p += '/d'; os.mkdir(p)\n"
    "open('deep/sparse', 'w').truncate(60 << 20)\n"
    "os.chmod('.', 0)\n"
)


def test_nothing_but_plain_files_comes_out(run: Runner) -> None:
    answer = run.python(PLANTED, outputs=("**",))
    assert (answer.result.exit_code, answer.result.stderr) == (0, b"")
    found = {file.path: (file.content[:4], file.truncated) for file in answer.collected}
    if run.mode == "ordinary":  # what the program closed for its own user is closed
        assert found == {}
        return
    assert found.pop("main.py")
    assert found == {
        "deep/sparse": (bytes(4), True),
        "hard": (b"mine", False),
        "new\nline": (b"n", False),
        "plain": (b"mine", False),
        "secret": (b"s", False),
    }


MANY = (
    "import os\n"
    "made = 0\n"
    "try:\n"
    "    while made < 100_000:\n"
    "        if made % 1000 == 0: os.makedirs(f'{made:06}/deep'); os.chdir(f'{made:06}')\n"
    "        os.mknod(f'{made}') if made % 2 else os.symlink('/etc/passwd', f'{made}')\n"
    "        made += 1\n"
    "        if made % 1000 == 0: os.chdir('..')\n"
    "except OSError as error: assert error.errno == 28, error\n"
    "print(made > 1000)\n"
)


def test_of_very_many_files_the_first_come_out_and_the_answer_says_so(run: Runner) -> None:
    answer = run.python(MANY, outputs=("**",))
    assert answer.result.stdout == b"True\n", answer.result
    assert len(answer.collected) == 100
    assert answer.cut


@pytest.mark.parametrize(
    "name", ["file", "dir", "dangling", "magic", "up", "loop", "dir/passwd", "fifo", "folder", "socket", "device"]
)
def test_nothing_else_is_read_in_place_of_a_file(sandbox: Sandbox, name: str) -> None:
    """An expected file, a compiler's program: asked for by name, after the run that could have put anything there."""
    with sandbox.slot() as slot, sandbox.jail(slot, limits(), 16 * MIB) as jail:
        assert jail.run(Command((PYTHON, "-c", PLANTED), "python"), limits()).exit_code == 0
        assert jail.box.read(name, MIB) is None
        assert jail.box.read(f"../{name}", MIB) is None


def test_a_file_does_not_grow_while_it_is_carried_out(run: Runner) -> None:
    """Whoever would go on writing has ended with the program: what is read last is no longer than what was read first.

    It pauses, so as not to fill the box before a keeper that is late has ended it.
    """
    grow = (
        "import os, time\n"
        "first, last = (open(name, 'ab', buffering=0) for name in ('a', 'z'))\n"
        "for number in range(90): open(f'between{number}', 'w').close()\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    while True: first.write(b'x'); last.write(b'x'); time.sleep(0.0001)\n"
        "while os.stat('z').st_size < 100: time.sleep(0.01)\n"
    )
    answer = run.python(grow, outputs=("a", "**/a", "between*", "?"))
    first, *between, last = answer.collected
    assert (answer.result.exit_code, first.path, len(between), last.path) == (0, "a", 90, "z")
    assert (first.truncated, last.truncated, len(last.content) >= 100) == (False, False, True)
    assert len(first.content) - len(last.content) in {0, 1}


def test_hard_links_cannot_take_a_file_of_the_host(run: Runner) -> None:
    text = WRITE.format("os.link('/usr/bin/true', 'x')")
    assert run.python(text).result.exit_code in {errno.EXDEV, errno.EPERM}


def test_nothing_is_left_of_the_last_box(run: Runner) -> None:
    run.says("open('left', 'w'); open('/tmp/left', 'w'); open('/dev/shm/left', 'w')")
    looked = run.says("import os; print(os.listdir('.'), os.listdir('/tmp'), os.listdir('/dev/shm'))")
    assert looked == "['main.py'] [] []\n"
