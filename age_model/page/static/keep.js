// Run once for each view, after faces.js: what can be taken away is made here, in the browser.
const SITE = "How old do they look?";
const CARD = { width: 1200, height: 630 };
const MOST_PIXELS = 4096 * 4096; // of a canvas on an iPhone; a larger one stays empty

const save = (blob, name) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
};
const saveCanvas = (canvas, name) => canvas.toBlob((blob) => save(blob, name), "image/png");

const loaded = (source) =>
  new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = reject;
    image.src = source;
  });

// The picture with its boxes, as large as it is, or as can be.
const annotated = async () => {
  const shown = view.querySelector(".stage-given") || view.querySelector(".stage-own");
  const svg = view.querySelector(".stage-boxes svg").cloneNode(true);
  const canvas = document.createElement("canvas");
  const [width, height] = [shown.naturalWidth, shown.naturalHeight];
  const scale = Math.min(1, Math.sqrt(MOST_PIXELS / (width * height)));
  [canvas.width, canvas.height] = [Math.floor(scale * width), Math.floor(scale * height)];
  svg.setAttribute("width", canvas.width);
  svg.setAttribute("height", canvas.height);
  if (view.matches(".view-no-ages")) svg.querySelectorAll(".box-tag").forEach((tag) => tag.remove());
  const text = new XMLSerializer().serializeToString(svg);
  const boxes = await loaded(`data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`);
  const pen = canvas.getContext("2d");
  for (const layer of [shown, boxes]) pen.drawImage(layer, 0, 0, canvas.width, canvas.height);
  return canvas;
};

const round = (pen, image, x, y, side) => {
  pen.save();
  pen.beginPath();
  pen.roundRect(x, y, side, side, 24);
  pen.clip();
  pen.drawImage(image, x, y, side, side);
  pen.restore();
};

// One face: its picture or none, the age, the range and the curve, in a column from x on.
const drawFace = async (pen, card, x, width, withFace) => {
  const color = getComputedStyle(card).getPropertyValue("--face");
  const side = 190;
  const middle = x + width / 2;
  if (withFace) round(pen, await loaded(card.querySelector(".face-picture img").src), middle - side / 2, 60, side);
  pen.fillStyle = color;
  pen.font = `700 ${withFace ? 120 : 180}px sans-serif`;
  pen.fillText(card.querySelector(".face-years").textContent, middle, withFace ? 365 : 330);
  pen.fillStyle = "#334155";
  pen.font = "30px sans-serif";
  pen.fillText(card.querySelector(".face-range").textContent.trim(), middle, 412);
  pen.save();
  pen.translate(middle - 150, 435);
  pen.scale(3, 3);
  pen.globalAlpha = 0.35;
  pen.fillStyle = color;
  pen.fill(new Path2D(card.querySelector(".curve-range").getAttribute("d")));
  pen.restore();
  pen.save();
  pen.translate(middle - 150, 435);
  pen.scale(3, 3);
  pen.strokeStyle = color;
  pen.lineWidth = 1;
  pen.stroke(new Path2D(card.querySelector(".curve-line").getAttribute("d")));
  pen.restore();
};

const shareCard = async (withFaces) => {
  const canvas = Object.assign(document.createElement("canvas"), CARD);
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#f8fafc";
  pen.fillRect(0, 0, CARD.width, CARD.height);
  pen.textAlign = "center";
  const cards = [...view.querySelectorAll(".face")].slice(0, 3);
  const width = (CARD.width - 80) / cards.length;
  for (const [i, card] of cards.entries()) await drawFace(pen, card, 40 + i * width, width, withFaces);
  pen.fillStyle = "#475569";
  pen.font = "26px sans-serif";
  pen.fillText(`${SITE}  An estimate, which can be wrong by many years.`, CARD.width / 2, 595);
  return canvas;
};

const linkTo = (example) => `${location.origin}${location.pathname}?example=${example}`;
const actions = {
  picture: async () => saveCanvas(await annotated(), "ages.png"),
  card: async (keep) => saveCanvas(await shareCard(keep.querySelector("[data-keep=faces]").checked), "share-card.png"),
  json: (keep) => save(new Blob([keep.dataset.record], { type: "application/json" }), "ages.json"),
  csv: (keep) => save(new Blob([keep.dataset.table], { type: "text/csv" }), "ages.csv"),
  print: () => print(),
  link: async (keep) => {
    const link = linkTo(keep.dataset.example);
    const said = keep.querySelector(".keep-said");
    try {
      await navigator.clipboard.writeText(link);
      said.textContent = "Copied";
    } catch (refused) {
      said.textContent = link; // to copy by hand
    }
  },
};
element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-keep]");
  if (button) actions[button.dataset.keep](button.closest(".keep"));
});
