"use strict";
// What the page does where scripts run. Without them all of it can be read: links lead to the glossary, tables and
// pictures scroll, files are downloaded below.

// Files beside the page: the page may have been handed on alone, so their names are links only where one is found.
const { probe } = document.body.dataset;
if (probe) {
  const found = new Image();
  found.onload = () => {
    for (const words of document.querySelectorAll("[data-beside]")) {
      const link = document.createElement("a");
      link.href = words.dataset.beside;
      link.append(...words.childNodes);
      words.replaceWith(link);
    }
  };
  found.src = probe;
}

// Words: pointing at one, reaching it by the keyboard or touching it shows what it means.
const bubble = document.createElement("div");
bubble.className = "bubble";
bubble.id = "bubble";
bubble.hidden = true;
bubble.setAttribute("aria-hidden", "true"); // A screen reader reads the explanation itself.
document.body.append(bubble);
let shownFor = null;
const hideBubble = () => {
  bubble.hidden = true;
  shownFor = null;
};
const showBubble = (term) => {
  bubble.replaceChildren(document.getElementById(term.getAttribute("aria-describedby")).textContent);
  bubble.hidden = false;
  shownFor = term;
  const word = term.getBoundingClientRect();
  const { offsetWidth, offsetHeight } = bubble;
  const room = document.documentElement.clientWidth - offsetWidth - 8;
  const above = word.top - offsetHeight;
  bubble.style.left = `${scrollX + Math.max(8, Math.min(word.left, room))}px`;
  bubble.style.top = `${scrollY + (above > 0 ? above : word.bottom)}px`;
};
const termOf = (event) => (event.target instanceof Element ? event.target.closest("a.term") : null);
const leave = (event) => {
  const to = event.relatedTarget instanceof Element ? event.relatedTarget : null;
  if (!to || (!bubble.contains(to) && to.closest("a.term") !== shownFor)) hideBubble();
};
document.addEventListener("pointerover", (event) => {
  const term = termOf(event);
  if (term && event.pointerType !== "touch") showBubble(term);
});
document.addEventListener("pointerout", (event) => {
  if (shownFor && event.pointerType !== "touch") leave(event);
});
document.addEventListener("focusin", (event) => {
  const term = termOf(event);
  if (term && term.matches(":focus-visible")) showBubble(term);
});
document.addEventListener("focusout", (event) => {
  if (shownFor) leave(event);
});
document.addEventListener("click", (event) => {
  const term = termOf(event);
  if (term && event.pointerType === "touch") {
    event.preventDefault();
    showBubble(term);
  } else if (!bubble.contains(event.target)) {
    hideBubble();
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") hideBubble();
});

// Boxes that scroll are reached by the keyboard, others are passed over.
const watch = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const scrolls = target.scrollWidth > target.clientWidth;
    if (scrolls) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
    target.classList.toggle("scrolls", scrolls);
  }
});
for (const box of document.querySelectorAll(".wide, .picture")) watch.observe(box);

// Tables: sorted by a column, filtered by a word, downloaded as they are shown.
const FEW = 8; // rows that need no filter
const textOf = (cell) => cell.innerText.replace(/\s+/g, " ").trim();
const numberOf = (text) => {
  const found = text.replace(/,(?=\d{3})/g, "").replace("−", "-").match(/^[-+]?\d*\.?\d+(e[-+]?\d+)?/i);
  return found ? Number(found[0]) : NaN;
};
const compare = (a, b) => {
  const [x, y] = [numberOf(a), numberOf(b)];
  if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1; // What is no number comes last.
  return Number.isNaN(x) ? a.localeCompare(b, "en", { numeric: true }) : x - y;
};
const sortBy = (table, heading) => {
  const column = [...heading.parentElement.cells].indexOf(heading);
  const falling = heading.getAttribute("aria-sort") === "ascending";
  for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", falling ? "descending" : "ascending");
  const rows = [...table.tBodies[0].rows].map((row) => [textOf(row.cells[column]), row]);
  const isMissing = (text) => text === "–" || text === "";
  rows.sort(([a], [b]) => isMissing(a) - isMissing(b) || (falling ? compare(b, a) : compare(a, b)));
  table.tBodies[0].append(...rows.map(([, row]) => row));
};
const makeSortable = (table) => {
  for (const heading of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sortBy(table, heading));
    heading.append(button);
  }
};
const makeFilter = (table, title) => {
  const input = document.createElement("input");
  input.type = "search";
  input.placeholder = "filter rows";
  input.setAttribute("aria-label", `Rows of «${title}» that contain`);
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/);
    for (const row of table.tBodies[0].rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
  });
  return input;
};
const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const makeDownload = (table, title) => {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "CSV";
  button.setAttribute("aria-label", `Download «${title}» as CSV`);
  button.addEventListener("click", () => {
    const rows = [...table.rows].filter((row) => !row.hidden);
    const lines = rows.map((row) => [...row.cells].map((cell) => quoted(textOf(cell))).join(","));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`${lines.join("\n")}\n`], { type: "text/csv" }));
    link.download = `${title.toLowerCase().replace(/\W+/g, "-")}.csv`;
    link.click();
    URL.revokeObjectURL(link.href);
  });
  return button;
};
for (const table of document.querySelectorAll(".table table:not(.plain)")) {
  if (!table.tHead) continue;
  const title = table.caption.textContent;
  const tools = document.createElement("div");
  tools.className = "tools screen";
  if (table.tBodies.length === 1) {
    makeSortable(table);
    if (table.tBodies[0].rows.length > FEW) tools.append(makeFilter(table, title));
  }
  tools.append(makeDownload(table, title));
  table.closest(".table").prepend(tools);
}

// The explorer serves this page below its own.
if (location.protocol.startsWith("http") && location.pathname.startsWith("/results/")) {
  const explorer = document.createElement("a");
  explorer.href = "/";
  explorer.textContent = "Explore these runs live";
  document.querySelector("header").append(explorer);
}

// Pictures: shown in all their pixels.
const large = document.createElement("dialog");
large.className = "large";
large.setAttribute("aria-label", "Enlarged picture");
const close = document.createElement("button");
close.type = "button";
close.textContent = "Close";
close.addEventListener("click", () => large.close());
const sheet = document.createElement("div");
sheet.className = "sheet";
sheet.tabIndex = 0;
sheet.setAttribute("role", "region");
sheet.setAttribute("aria-label", "Picture");
large.append(close, sheet);
document.body.append(large);
for (const box of document.querySelectorAll(".picture")) {
  const picture = box.querySelector("img");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "enlarge screen";
  button.textContent = "Enlarge";
  button.setAttribute("aria-label", box.getAttribute("aria-label").replace("Picture", "Enlarge"));
  button.addEventListener("click", () => {
    const copy = new Image();
    copy.src = picture.src;
    copy.alt = picture.alt;
    sheet.replaceChildren(copy);
    large.showModal();
  });
  box.after(button);
}

// A link to a table to download downloads it.
for (const link of document.querySelectorAll('a[href^="#data-"]')) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    document.querySelector(`${link.hash} a[download]`).click();
  });
}
