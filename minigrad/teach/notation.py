"""How numbers and elements are written in every text and picture."""


def number(x, digits=4):
    """A number as one writes it by hand, rounded to so many digits: 43, 0.25, -1.5, 1.44e+10. An integer of up to
    three digits more is exact: 1234567."""
    x = float(x) + 0.0  # there is no -0
    return f"{x:.0f}" if x.is_integer() and abs(x) < 10 ** (digits + 3) else f"{x:.{digits}g}"


def factor(x):
    """A number inside a product or a sum: negative ones stand in brackets."""
    text = number(x)
    return f"({text})" if text.startswith("-") else text


def indexed(name, at):
    """A name with its index: X[1,1]."""
    return f"{name}[{','.join(map(str, at))}]"


def times(sizes):
    """Sizes as one says them: 28x28."""
    return "x".join(map(str, sizes))


def each(values):
    """A number for each axis: one if they are the same, else all of them."""
    return str(values[0]) if len(set(values)) == 1 else ", ".join(map(str, values))


def table(rows, right=()):
    """Rows of strings in aligned columns; those whose numbers are in `right` are aligned to the right."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ["  ".join(text.rjust(w) if i in right else text.ljust(w) for i, (text, w) in enumerate(zip(row, widths)))
             for row in rows]
    return "\n".join(line.rstrip() for line in lines)
