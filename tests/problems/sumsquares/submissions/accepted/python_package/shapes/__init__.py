from .squares import square


def total(numbers):
    return sum(square(number) for number in numbers)
