# Runs in a jail in the program's place: calls one function of the program, and writes down what that returned. The
# program shares this process and may do to it what it likes. So nothing here knows what is expected, and whatever is
# written down is only what the program says that it returns: it is compared elsewhere.
import json
import os
import sys
from types import ModuleType, TracebackType

HERE = os.path.dirname(os.path.abspath(__file__))
BOX = os.path.dirname(HERE)


def main() -> None:
    sys.set_int_max_str_digits(0)
    with open(HERE + "/call.json", encoding="ascii") as file:
        asked = json.load(file)
    arguments = json.loads(sys.stdin.buffer.read())
    sys.path[0] = BOX
    try:
        returned = call(load(asked["entry"]), asked, arguments)
    except Exception as error:
        sys.excepthook(type(error), error, own_part(error.__traceback__))
        sys.exit(1)
    write(told(returned))


def load(entry: str) -> ModuleType:
    """Run the entry point as a module: what stands under `if __name__ == "__main__"` is left out."""
    path = f"{BOX}/{entry}"
    name = os.path.basename(entry).rpartition(".")[0] or entry
    module = type(sys)(name)
    module.__file__ = path
    sys.modules[name] = module
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec", dont_inherit=True)
    exec(code, module.__dict__)
    return module


def call(module: ModuleType, asked: dict[str, str], arguments: list[object]) -> object:
    target: object = module
    for name in (asked["class_name"], asked["name"]):
        if name is None:
            continue
        if not hasattr(target, name):
            sys.exit(f"{asked['entry']} does not define {name}")
        target = getattr(target, name)
        if name == asked["class_name"]:
            target = target()
    returned = target(*arguments)
    if hasattr(returned, "__await__"):
        import asyncio

        async def awaited() -> object:
            return await returned

        returned = asyncio.run(awaited())
    return returned


def told(returned: object) -> str:
    try:
        return '{"returned": ' + json.dumps(returned) + "}"
    except (TypeError, ValueError, RecursionError) as error:
        return json.dumps({"unfit": f"{type(error).__name__}: {error}"})


def write(text: str) -> None:
    with open(HERE + "/returned.json", "w", encoding="ascii") as file:
        file.write(text)


def own_part(trace: TracebackType | None) -> TracebackType | None:
    """Leave out the frames of this file."""
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return trace


main()
