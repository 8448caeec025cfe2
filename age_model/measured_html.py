"""results.json as HTML for the page: figures and tables, no number typed by hand."""

from html import escape

from age_model.labels import MAX_AGE

SOURCE_NAMES = {"utkface": "UTKFace", "fairface": "FairFace"}
FEW = 30  # faces; of fewer a number says little: greyed here, and called neither worst nor best
NOT_FOR = (
    "Not for verifying ages, nor as a gate to goods, places or services; not for decisions about "
    "people; not to tell anyone's gender or ethnicity; not to identify or watch people."
)


def results_html(results: dict) -> str:
    """The whole tab.

    Args:
        results: see `measured.read_results`.
    """
    parts = [_head(results)]
    for key, title in SOURCE_NAMES.items():
        if numbers := results["sources"].get(key):
            parts.append(_source(title, numbers))
    words = results.get("words", {})
    if words.get("gaps"):
        parts.append(_section("Where it treats people differently", _list(words["gaps"])))
    if words.get("limits"):
        parts.append(_section("Best and worst", _list(words["limits"])))
    parts.append(_section("What not to use it for", f"<p>{NOT_FOR}</p>"))
    return f'<div class="measured">{"".join(parts)}</div>'


def _head(results: dict) -> str:
    n, split = results["data"]["n"], results["data"]["split"]
    return (
        f"<p>Measured on {n:,} pictures of the split <b>{escape(split)}</b>, which were used neither "
        f"in training nor in choosing the model, on {escape(results['date'])}, for "
        f"<b>{escape(results['model']['name'])}</b>. The pictures are cropped faces. The labels are "
        "partly estimates themselves.</p>"
        f'<p class="measured-command"><code>{escape(results["command"])}</code></p>'
    )


def _source(title: str, numbers: dict) -> str:
    parts = [_tiles(numbers)]
    if years := numbers.get("years"):
        parts += [
            _sub("Error by labelled age"), _years_table(years, "by_group"),
            _sub("Error by perceived gender, as labelled"), _years_table(years, "by_gender"),
            _sub("Error by perceived ethnicity, as labelled"), _years_table(years, "by_ethnicity"),
        ]  # fmt: skip
    if thresholds := numbers.get("thresholds"):
        parts += [_sub(f"If it decided who looks {thresholds['challenge_age']} (it must not)"),
                  _thresholds_table(thresholds)]  # fmt: skip
    if not years and (groups := numbers.get("groups")):
        parts += [_sub("Right age group, by labelled group"), _groups_table(groups["by_group"])]
    return _section(f"{title}, {numbers['n']:,} faces", "".join(parts))


def _tiles(numbers: dict) -> str:
    tiles = []
    if years := numbers.get("years"):
        low, high = years["mae_interval"]
        interval = years["interval"]
        tiles += [
            (f"{years['mae']:.1f} years", f"mean error (95%: {low:.1f} to {high:.1f})"),
            (f"{years['median_absolute_error']:.1f} years", "half of the faces are no further off"),
            (f"{years['cs5']:.0%}", "at most 5 years off"),
            (f"{interval['coverage']:.0%}",
             "of the ranges hold the age (promised: 80%); mean width "
             f"{interval['mean_width']:.0f} years"),
        ]  # fmt: skip
    if groups := numbers.get("groups"):
        tiles += [
            (f"{groups['accuracy']:.0%}", "right age group, of nine"),
            (f"{groups['one_off_accuracy']:.0%}", "right group or the one beside it"),
            (f"{groups['calibration_error']:.1%}", "between how sure it is of a group and how right"),
        ]
    if gender := numbers.get("gender"):
        tiles.append((f"{gender['accuracy']:.0%}", "perceived gender as labelled"))
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
    header = ["", "faces", "mean error, years", "bias", "range holds", "its width"]
    return _table(header, rows, few)


def _groups_table(groups: dict) -> str:
    rows = [
        [_name(name), f"{group['n']:,}", _bar(group["accuracy"], 1.0, "{:.0%}")]
        for name, group in groups.items()
    ]
    return _table(["", "faces", "right"], rows, [group["n"] < FEW for group in groups.values()])


def _thresholds_table(numbers: dict) -> str:
    rows, few = [], []
    outcomes = {"let_through": "let through, wrongly", "turned_away": "turned away, wrongly"}
    for key, outcome in outcomes.items():
        for name, part in numbers[key].items():
            low, high = part["interval"]
            shown = f"{part['share']:.0%} ({low:.0%} to {high:.0%})"
            rows.append([_range(name), outcome, f"{part['n']:,}", shown])
            few.append(part["n"] < FEW)
    return _table(["labelled age", "", "faces", "share (95%)"], rows, few)


def _range(name: str) -> str:
    """"13_17" -> "13–17", "over_30" -> "over 30"."""
    return name.replace("over_", "over ").replace("_", "–")


def _name(name: str) -> str:
    return escape(name.replace("-", "–").replace(f"–{MAX_AGE}", "+"))


def _bar(value: float, most: float, shown: str = "{:.1f}") -> str:
    width = 100 * value / most if most else 0
    return (
        f'<span class="measured-bar"><i style="width: {width:.0f}%"></i></span>'
        f"<span>{shown.format(value)}</span>"
    )


def _table(header: list[str], rows: list[list[str]], few: list[bool]) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in header)
    lines = []
    for row, is_few in zip(rows, few, strict=True):
        cells = "".join(f"<td>{cell}</td>" for cell in row[1:])
        note = ' class="measured-few" title="few faces: these numbers say little"' if is_few else ""
        lines.append(f'<tr{note}><th scope="row">{row[0]}</th>{cells}</tr>')
    return (
        f'<div class="measured-scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>"


def _sub(title: str) -> str:
    return f"<h3>{escape(title)}</h3>"


def _list(sentences: list[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences) + "</ul>"
