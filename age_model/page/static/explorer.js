// Run once for the tab Accuracy: the explorer. Every answer came with the page; see
// `accuracy/explorer.py` for their order and for what stands in each.
const percent = (share) => Math.round(100 * share);
const signed = (years) => (years < 0 ? "" : "+") + years.toFixed(1);

const answerOf = (explorer, selects) => {
  explorer.answers ??= JSON.parse(explorer.dataset.answers);
  return explorer.answers[selects.reduce((place, one) => place * one.options.length + one.selectedIndex, 0)];
};

const show = (explorer) => {
  const answer = answerOf(explorer, [...explorer.querySelectorAll("select")]);
  const part = (name) => explorer.querySelector(`[data-part="${name}"]`);
  const fill = (name, text) => {
    const place = explorer.querySelector(`[data-fill="${name}"]`);
    if (place) place.textContent = text;
  };
  part("some").hidden = !answer;
  part("none").hidden = !!answer;
  explorer.querySelector(".explorer-chart").style.visibility = answer ? "" : "hidden";
  if (!answer) return;
  const [n, mae, maeLow, maeHigh, bias, biasLow, biasHigh, coverage, coverageLow, coverageHigh] = answer;
  const texts = {
    n: n.toLocaleString("en"), noun: n === 1 ? "face" : "faces",
    mae: mae.toFixed(1), bias: Math.abs(bias).toFixed(1), direction: bias < 0 ? "young" : "old",
    coverage: `${percent(coverage)}%`, "coverage-low": percent(coverageLow), "coverage-high": percent(coverageHigh),
  };
  for (const [name, text] of Object.entries(texts)) fill(name, text);
  for (const [name, low, high, form] of [["mae", maeLow, maeHigh, (v) => v.toFixed(1)], ["bias", biasLow, biasHigh, signed]]) {
    if (part(`${name}-interval`)) part(`${name}-interval`).hidden = low === null;
    if (low !== null) [fill(`${name}-low`, form(low)), fill(`${name}-high`, form(high))];
  }
  part("few").hidden = n >= explorer.dataset.few;
  explorer.classList.toggle("explorer-few", n < explorer.dataset.few);
  const place = (years) => Math.min(Math.max((100 * years) / explorer.dataset.high, 0), 100);
  explorer.querySelector(".dots-dot").style.left = `${place(mae)}%`;
  const whisker = explorer.querySelector(".dots-whisker");
  if (whisker) whisker.hidden = maeLow === null;
  if (whisker && maeLow !== null) [whisker.style.left, whisker.style.right] = [`${place(maeLow)}%`, `${100 - place(maeHigh)}%`];
};

element.addEventListener("change", (event) => {
  const explorer = event.target.closest(".explorer");
  if (explorer) show(explorer);
});
