/* A canvas with one cell a number, drawn in the page's own colours. 0 is masked, 1 to 255 are the values. */
const LEAST_CELL = 3;
const MOST_CELL = 22;
const ROW_HEIGHT = 22;
const named = (text) => text.replace(/\n/g, "↵").replace(/\t/g, "⇥").replace(/^ +$/, "⎵");

export default {
  template: `
    <div class="heat-map">
      <div class="scroller" ref="scroller">
        <div v-if="table && !table.square" class="row-names" aria-hidden="true">
          <span v-for="row in table.rows">{{ row }}</span>
        </div>
        <canvas ref="canvas" role="application" tabindex="0" :aria-label="label + '. Arrow keys move over it.'"
          aria-roledescription="map" @mousemove="point" @mouseleave="cell = picked" @click="choose" @keydown="press" />
      </div>
      <p class="readout" role="status">{{ readout }}</p>
    </div>`,
  props: { label: String, map: String },
  emits: ["pick"],
  data() {
    return { cell: null, picked: null };
  },
  computed: {
    table() {
      return this.map ? JSON.parse(this.map) : null;
    },
    cells() {
      return this.table ? Uint8Array.from(atob(this.table.cells), (char) => char.charCodeAt(0)) : new Uint8Array();
    },
    readout() {
      if (!this.table || !this.cell) return "Point at a cell, or move over the map with the arrow keys.";
      const [row, column] = this.cell;
      const byte = this.cells[row * this.table.columns.length + column];
      if (byte === 0) return `${named(this.table.rows[row])} cannot see ${named(this.table.columns[column])}: it comes later.`;
      const share = (byte - 1) / 254;
      const value = this.table.signed ? (2 * share - 1).toFixed(2) : (100 * share).toFixed(0);
      const words = { row: this.table.rows[row], column: this.table.columns[column], value };
      return this.table.said.replace(/\{(\w+)\}/g, (_, name) => named(words[name]));
    },
  },
  watch: {
    table() {
      this.cell = this.picked = null;
      this.$nextTick(this.draw);
    },
    cell() {
      this.draw();
    },
  },
  mounted() {
    this.resized = new ResizeObserver(() => this.draw());
    this.resized.observe(this.$refs.scroller);
    this.themed = new MutationObserver(() => this.draw());
    this.themed.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    this.system = matchMedia("(prefers-color-scheme: dark)");
    this.system.addEventListener("change", this.draw);
    this.draw();
  },
  unmounted() {
    this.resized.disconnect();
    this.themed.disconnect();
    this.system.removeEventListener("change", this.draw);
  },
  methods: {
    sizes() {
      const columns = this.table.columns.length;
      const room = this.$refs.scroller.clientWidth - (this.table.square ? 0 : 112);
      const width = Math.max(LEAST_CELL, Math.min(MOST_CELL, Math.floor(room / columns)));
      return [width, this.table.square ? width : ROW_HEIGHT];
    },
    draw() {
      const canvas = this.$refs.canvas;
      if (!this.table || !canvas || !this.$refs.scroller.clientWidth) return;
      const { rows, columns, signed } = this.table;
      const [width, height] = this.sizes();
      const scale = window.devicePixelRatio || 1;
      canvas.width = columns.length * width * scale;
      canvas.height = rows.length * height * scale;
      canvas.style.width = `${columns.length * width}px`;
      canvas.style.height = `${rows.length * height}px`;
      // A canvas knows no light-dark(): the page's colours are resolved as its own text colour.
      const colour = (name) => {
        canvas.style.color = `var(${name})`;
        return getComputedStyle(canvas).color;
      };
      const [masked, cold, heat] = ["--map-masked", "--map-cold", "--map-heat"].map(colour);
      const context = canvas.getContext("2d");
      context.scale(scale, scale);
      context.fillStyle = colour("--map-paper");
      context.fillRect(0, 0, columns.length * width, rows.length * height);
      this.cells.forEach((byte, index) => {
        const x = (index % columns.length) * width;
        const y = Math.floor(index / columns.length) * height;
        if (byte === 0) {
          context.globalAlpha = 1;
          context.fillStyle = masked;
        } else {
          const share = (byte - 1) / 254;
          const value = signed ? 2 * share - 1 : share;
          context.globalAlpha = Math.sqrt(Math.abs(value)); // small shares are seen, too
          context.fillStyle = value < 0 ? cold : heat;
        }
        context.fillRect(x, y, width, height);
      });
      context.globalAlpha = 1;
      if (this.cell) {
        context.strokeStyle = colour("--ink");
        context.lineWidth = 2;
        context.strokeRect(this.cell[1] * width, this.cell[0] * height, width, height);
      }
    },
    at(event) {
      const [width, height] = this.sizes();
      const row = Math.floor(event.offsetY / height);
      const column = Math.floor(event.offsetX / width);
      const inside = row >= 0 && column >= 0 && row < this.table.rows.length && column < this.table.columns.length;
      return inside ? [row, column] : null;
    },
    point(event) {
      if (this.table) this.cell = this.at(event) ?? this.cell;
    },
    choose(event) {
      if (this.table) this.pick(this.at(event));
    },
    pick(cell) {
      if (!cell) return;
      this.cell = this.picked = cell;
      this.$emit("pick", cell);
    },
    press(event) {
      const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
      if (!this.table) return;
      if (event.key in moves) {
        event.preventDefault();
        const [row, column] = this.cell ?? [0, -1];
        const [down, right] = moves[event.key];
        const within = (index, count) => Math.max(0, Math.min(count - 1, index));
        this.cell = [within(row + down, this.table.rows.length), within(column + right, this.table.columns.length)];
      } else if (event.key === "Enter") {
        this.pick(this.cell);
      }
    },
  },
};
