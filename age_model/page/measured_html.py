"""results.json as HTML for the page: figures and tables, no number typed by hand."""

from html import escape

from age_model.labels import MAX_AGE
from age_model.network.reports import FEW, by_source
from age_model.page import words


def results_html(results: dict) -> str:
    """The whole tab.

    Args:
        results: see `measured.read_results`.
    """
    parts = [_head(results)]
    parts += [_source(title, numbers) for title, numbers in by_source(results)]
    said = results.get("words", {})
    if said.get("gaps"):
        parts.append(_section(words.MEASURED_GAPS, _list(said["gaps"])))
    if said.get("limits"):
        parts.append(_section(words.MEASURED_EXTREMES, _list(said["limits"])))
    parts.append(_section(words.NOT_FOR[0], f"<p>{words.NOT_FOR[1]}</p>"))
    return f'<div class="measured">{"".join(parts)}</div>'


def _head(results: dict) -> str:
    text = words.MEASURED_ON.format(
        n=f"{results['data']['n']:,}",
        split=f"<b>{escape(results['data']['split'])}</b>",
        date=escape(results["date"]),
        model=f"<b>{escape(results['model']['name'])}</b>",
    )
    return f'<p>{text}</p><p class="measured-command"><code>{escape(results["command"])}</code></p>'


def _source(title: str, numbers: dict) -> str:
    parts = [_tiles(numbers)]
    if years := numbers.get("years"):
        parts += [
            part
            for by, title in words.MEASURED_BY.items()
            for part in (_sub(title), _years_table(years, by))
        ]
    if thresholds := numbers.get("thresholds"):
        challenge = words.MEASURED_CHALLENGE.format(age=thresholds["challenge_age"])
        parts += [_sub(challenge), _thresholds_table(thresholds)]
    if not years and (groups := numbers.get("groups")):
        parts += [_sub(words.MEASURED_GROUPS), _groups_table(groups["by_group"])]
    heading = words.MEASURED_SOURCE.format(source=title, n=f"{numbers['n']:,}")
    return _section(heading, "".join(parts))


def _tiles(numbers: dict) -> str:
    tiles, say = [], words.MEASURED_TILES
    if years := numbers.get("years"):
        low, high = years["mae_interval"]
        interval = years["interval"]
        tiles += [
            (words.MEASURED_YEARS.format(years["mae"]), say["mae"].format(low=low, high=high)),
            (words.MEASURED_YEARS.format(years["median_absolute_error"]), say["median"]),
            (f"{years['cs5']:.0%}", say["cs5"]),
            (f"{interval['coverage']:.0%}", say["interval"].format(width=interval["mean_width"])),
        ]
    if groups := numbers.get("groups"):
        tiles += [
            (f"{groups['accuracy']:.0%}", say["group"]),
            (f"{groups['one_off_accuracy']:.0%}", say["one_off"]),
            (f"{groups['calibration_error']:.1%}", say["calibration"]),
        ]
    if gender := numbers.get("gender"):
        tiles.append((f"{gender['accuracy']:.0%}", say["gender"]))
    return '<div class="tiles">' + "".join(
        f"<div><b>{value}</b><span>{text}</span></div>" for value, text in tiles
    ) + "</div>"  # fmt: skip


def _years_table(years: dict, part: str) -> str:
    intervals = years["interval"][part]
    most = max(error["mae"] for error in years[part].values())
    rows = [
        [_name(name), f"{error['n']:,}", _bar(error["mae"], most), f"{error['bias']:+.1f}",
         f"{intervals[name]['coverage']:.0%}", f"{intervals[name]['mean_width']:.0f}"]
        for name, error in years[part].items()
    ]  # fmt: skip
    few = [error["n"] < FEW for error in years[part].values()]
    return _table(words.MEASURED_YEARS_HEADER, rows, few)


def _groups_table(groups: dict) -> str:
    rows = [
        [_name(name), f"{group['n']:,}", _bar(group["accuracy"], 1.0, "{:.0%}")]
        for name, group in groups.items()
    ]
    return _table(
        words.MEASURED_GROUPS_HEADER, rows, [group["n"] < FEW for group in groups.values()]
    )


def _thresholds_table(numbers: dict) -> str:
    rows, few = [], []
    for key, outcome in words.MEASURED_OUTCOMES.items():
        for name, part in numbers[key].items():
            low, high = part["interval"]
            shown = f"{part['share']:.0%} ({low:.0%} to {high:.0%})"
            rows.append([_range(name), outcome, f"{part['n']:,}", shown])
            few.append(part["n"] < FEW)
    return _table(words.MEASURED_THRESHOLDS_HEADER, rows, few)


def _range(name: str) -> str:
    """ "13_17" -> "13–17", "over_30" -> "over 30"."""
    return name.replace("over_", "over ").replace("_", "–")


def _name(name: str) -> str:
    return escape(name.replace("-", "–").replace(f"–{MAX_AGE}", "+"))


def _bar(value: float, most: float, shown: str = "{:.1f}") -> str:
    width = 100 * value / most if most else 0
    return (
        f'<span class="measured-bar"><i style="width: {width:.0f}%"></i></span>'
        f"<span>{shown.format(value)}</span>"
    )


def _table(header: tuple[str, ...], rows: list[list[str]], few: list[bool]) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in header)
    lines = []
    for row, is_few in zip(rows, few, strict=True):
        cells = "".join(f"<td>{cell}</td>" for cell in row[1:])
        note = f' class="measured-few" title="{words.MEASURED_FEW}"' if is_few else ""
        lines.append(f'<tr{note}><th scope="row">{row[0]}</th>{cells}</tr>')
    return (
        # Where it is wider than the window, arrow keys move it.
        f'<div class="measured-scroll" tabindex="0" role="group"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>"


def _sub(title: str) -> str:
    return f"<h3>{escape(title)}</h3>"


def _list(sentences: list[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences) + "</ul>"
