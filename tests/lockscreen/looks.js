// What a person sees of a page, measured in the browser. Each is a function that the tests hand to `evaluate`.
({
  // Boxes whose content is larger than they are, and texts that leave their box.
  overflows() {
    const boxes = document.querySelectorAll(".activity, .notification, .widget, .island, .button, .home");
    const out = (inner, outer) =>
      inner.width > 0 && (inner.left < outer.left - 1 || inner.right > outer.right + 1 || inner.top < outer.top - 1 || inner.bottom > outer.bottom + 1);
    const found = [];
    for (const box of boxes) {
      if (!box.checkVisibility()) continue;
      const place = box.getBoundingClientRect();
      for (const inner of box.querySelectorAll("*")) {
        // A line of text that ends in dots is wider than what is seen of it.
        if (inner.checkVisibility() && getComputedStyle(inner).display !== "inline" && out(inner.getBoundingClientRect(), place))
          found.push(`${box.className} ${box.title}: ${inner.className || inner.tagName} "${inner.textContent.slice(0, 30)}"`);
      }
    }
    const page = document.documentElement;
    if (page.scrollWidth > page.clientWidth) found.push(`the page is ${page.scrollWidth} wide`);
    return found;
  },

  // Texts that are cut, and cannot be read elsewhere.
  unreadable() {
    const cut = (one) => getComputedStyle(one).overflow !== "visible" && isLarger(one);
    const isLarger = (one) => one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1;
    const pieces = (one) => one.textContent.split("\n").map((piece) => piece.trim());
    const texts = document.querySelectorAll(".points :is(h3, p:not(.inline), dt, dd, li, .capsule, .button, .readout, .label, .figure, .trailing)");
    return [...texts]
      .filter((one) => one.checkVisibility() && cut(one))
      .filter((one) => !pieces(one).every((piece) => one.closest("[title]")?.title.includes(piece)))
      .map((one) => `${one.className || one.tagName}: ${one.textContent}`);
  },

  // Numbers of ours whose digits another text has turned round, and units that stand on their wrong side.
  turned() {
    const at = (node, from) => {
      const range = document.createRange();
      range.setStart(node, from);
      range.setEnd(node, from + 1);
      return range.getBoundingClientRect().left;
    };
    return [...document.querySelectorAll(".stats dd")]
      .filter((one) => at(one.firstChild, 0) >= at(one.firstChild, 1) || at(one.firstChild, 1) > one.lastChild.getBoundingClientRect().left)
      .map((one) => one.textContent);
  },

  // Every piece of visible text: where it is, its colour with all opacities, and how much contrast it needs.
  texts() {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walker.nextNode()) {
      const owner = walker.currentNode.parentElement;
      if (!walker.currentNode.data.trim() || !owner.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
      if (owner.closest("[aria-hidden=true], .lost, .happened ol, .stack")) continue;
      const range = document.createRange();
      range.selectNodeContents(walker.currentNode);
      const place = range.getBoundingClientRect();
      const clip = owner.getBoundingClientRect();
      const left = Math.max(place.left, clip.left), right = Math.min(place.right, clip.right);
      const style = getComputedStyle(owner);
      let opacity = 1;
      for (let one = owner; one; one = one.parentElement) opacity *= getComputedStyle(one).opacity;
      const size = parseFloat(style.fontSize);
      const isLarge = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
      found.push({
        text: walker.currentNode.data.trim().slice(0, 40), color: style.color, opacity, needs: isLarge ? 3 : 4.5,
        grey: !!owner.closest(".colours-grey"),
        x: left + scrollX, y: Math.max(place.top, clip.top) + scrollY, width: right - left,
        height: Math.min(place.bottom, clip.bottom) - Math.max(place.top, clip.top),
      });
    }
    return found.filter((one) => one.width > 0 && one.height > 0);
  },

  // Those of the texts whose contrast with anything behind them is too low: WCAG 2.2, 1.4.3. The picture is without texts.
  async faint([texts, picture]) {
    const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${picture}`)).blob());
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    const painter = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    const luminance = ([red, green, blue]) =>
      0.2126 * linear(red / 255) + 0.7152 * linear(green / 255) + 0.0722 * linear(blue / 255);
    const found = [];
    for (const one of texts) {
      painter.clearRect(0, 0, 1, 1);
      painter.fillStyle = one.color;
      painter.fillRect(0, 0, 1, 1);
      let [red, green, blue, alpha] = painter.getImageData(0, 0, 1, 1).data;
      if (one.grey) red = green = blue = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
      const share = (alpha / 255) * one.opacity;
      // Not the outermost pixels: they may be half another's.
      const behind = context.getImageData(one.x + 2, one.y + 2, Math.max(1, one.width - 4), Math.max(1, one.height - 4)).data;
      let worst = Infinity;
      for (let at = 0; at < behind.length; at += 4 * 7) {
        const ground = [behind[at], behind[at + 1], behind[at + 2]];
        const shown = [red, green, blue].map((part, n) => share * part + (1 - share) * ground[n]);
        const [low, high] = [luminance(ground), luminance(shown)].sort((a, b) => a - b);
        worst = Math.min(worst, (high + 0.05) / (low + 0.05));
      }
      if (worst < one.needs) found.push(`${one.text} (${one.color}): ${worst.toFixed(2)}, needs ${one.needs}`);
    }
    return found;
  },
})
