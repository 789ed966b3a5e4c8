"""The picture of a network as TikZ, for LaTeX.

Before it: `picture`. After it: `latex`.
"""

from __future__ import annotations

from .picture import Picture, shape_text

DY = 1.15


def to_tikz(picture: Picture) -> str:
    """The picture as a tikzpicture; it needs the packages tikz and xcolor."""
    dx = min(3.6, 13 / max(len(picture.sizes) - 1, 1))
    out = [
        r"\begin{tikzpicture}[x=1cm, y=-1cm, every node/.style={font=\small},",
        r"  unit/.style={circle, draw=black!70, fill=white, minimum size=0.92cm, inner sep=0pt}]",
    ]
    for l, n in enumerate(picture.sizes):
        name, kind = picture.head(l)
        kind = kind.replace("_", r"\_")
        below = rf"{{\scriptsize $l = {l}$, $n_{l} = {n}${kind}}}"
        out.append(rf"\node[align=center] at ({dx * l:.3g}, -1.2) {{{name}\\[-2pt] {below}}};")
    for box in picture.boxes:
        shape = shape_text(box.shape).replace("×", r"{\times}")
        inside = rf"${box.address.latex()}$\\[-1pt]{{\scriptsize ${shape}$}}"
        style = "draw=black!70, fill=white, rounded corners, align=center"
        out.append(rf"\node[{style}] (n{box.l}) at ({dx * box.x:.3g}, {DY * box.y:.3g}) {{{inside}}};")
    for node in picture.nodes:
        where = f"({dx * node.x:.3g}, {DY * node.y:.3g})"
        if node.j is None:
            out.append(rf"\node at {where} {{$\vdots$}};")
        else:
            out.append(rf"\node[unit] (n{node.l}-{node.j}) at {where} {{${node.address.latex()}$}};")
    size = picture.widths()
    for e in sorted(picture.edges, key=lambda e: e.chosen):
        colour = "orange!85!black" if e.weight < 0 else "blue!75!black"
        style = f"{colour}, line width={size[e] * 0.55:.2f}pt" + ("" if e.chosen else ", opacity=0.45")
        name = (
            rf" node[pos=0.72, fill=white, inner sep=1pt, text=black, opacity=1] {{\scriptsize ${e.address.latex()}$}}"
        )
        out.append(rf"\draw[{style}] (n{e.l - 1}-{e.k}) --{name if e.chosen else ''} (n{e.l}-{e.j});")
    middle = DY * (picture.height - 1) / 2
    for a in picture.arrows:
        x1, x2 = dx * a.below, dx * a.l
        if a.skips:
            y1, y2 = (DY * picture.lowest(l)[0] + 0.6 for l in (a.below, a.l))
            deep = max(y1, y2) + 0.4 * (a.l - a.below)
            bend = f".. controls ({x1 + 0.5:.3g}, {deep:.3g}) and ({x2 - 0.5:.3g}, {deep:.3g}) .."
            out.append(rf"\draw[->, black!60] ({x1 + 0.2:.3g}, {y1:.3g}) {bend} ({x2 - 0.2:.3g}, {y2:.3g});")
        else:
            half = min(0.75, 0.4 * dx)
            out.append(rf"\draw[->, black!60] ({x1 + half:.3g}, {middle:.3g}) -- ({x2 - half:.3g}, {middle:.3g});")
    return "\n".join([*out, r"\end{tikzpicture}"])
