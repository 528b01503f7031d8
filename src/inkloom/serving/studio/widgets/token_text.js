/* Tokens in colour. Arrow keys move between them as in a toolbar: one Tab stop for the whole text. */
const visible = (text) => text.replace(/\n/g, "↵\n").replace(/\t/g, "⇥\t");
const named = (text) => text.replace(/\n/g, "line end").replace(/\t/g, "tab").replace(/^ +$/, "space");
const percent = (share) => (share < 0.001 ? "< 0.1" : (100 * share).toFixed(share < 0.0995 ? 1 : 0)) + " %";

export default {
  template: `
    <div class="token-text" ref="box" @mouseleave="looked = null" @keydown.esc="looked = null">
      <div role="group" :aria-label="label" @mouseover="point" @focusin="point" @focusout="looked = null"
        @click="choose" @keydown="press">
        <span v-for="(token, place) in list" :key="place" :data-place="place" role="button"
          :tabindex="place === cursor ? 0 : -1" :aria-label="named(token.t) + (token.s ? ', ' + token.s : '')"
          :aria-pressed="pickable ? place === picked : null"
          :class="['token', token.v === undefined ? '' : 'shaded', { picked: place === picked, special: special(token) }]"
          :style="style(token)">{{ visible(token.t) }}</span>
      </div>
      <div v-if="looked !== null && list[looked]" class="popover" role="tooltip" :style="position">
        <p><b>{{ visible(list[looked].t).trim() || "⎵" }}</b> {{ list[looked].s }}</p>
        <ol v-if="list[looked].r">
          <li v-for="([text, share], row) in list[looked].r" :class="{ came: row === list[looked].k }">
            <span>{{ visible(text).trim() || "⎵" }}</span>
            <i :style="{ width: 100 * share + '%' }"></i>
            <b>{{ percent(share) }}</b>
          </li>
        </ol>
      </div>
    </div>`,
  props: { label: String, tokens: String, picked: Number, pickable: Boolean },
  emits: ["pick"],
  data() {
    return { looked: null, cursor: 0, position: {} };
  },
  computed: {
    list() {
      return JSON.parse(this.tokens);
    },
  },
  watch: {
    list() {
      this.looked = null;
      this.cursor = Math.min(this.cursor, Math.max(0, this.list.length - 1));
    },
    picked() {
      if (this.picked >= 0) this.cursor = this.picked;
    },
  },
  methods: {
    visible,
    named,
    percent,
    special(token) {
      return /^⟨.*⟩$/.test(token.t);
    },
    style(token) {
      return token.v === undefined ? null : { "--v": `${100 * token.v}%`, "--c": `var(--${token.c})` };
    },
    point(event) {
      const place = event.target.dataset.place;
      if (place === undefined) return;
      this.looked = Number(place);
      if (event.type === "focusin") this.cursor = this.looked;
      const token = event.target.getClientRects()[0];
      const box = this.$refs.box.getBoundingClientRect();
      const left = Math.max(0, Math.min(token.left - box.left, box.width - 240));
      this.position = { left: `${left}px`, top: `${token.bottom - box.top + 6}px` };
    },
    choose(event) {
      const place = event.target.dataset.place;
      if (place === undefined || !this.pickable) return;
      this.cursor = Number(place);
      this.$emit("pick", this.cursor);
    },
    press(event) {
      const last = this.list.length - 1;
      const steps = { ArrowRight: this.cursor + 1, ArrowLeft: this.cursor - 1, Home: 0, End: last };
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        this.choose(event);
      } else if (event.key in steps) {
        event.preventDefault();
        this.cursor = Math.max(0, Math.min(last, steps[event.key]));
        this.$nextTick(() => this.$refs.box.querySelector(`[data-place="${this.cursor}"]`).focus());
      }
    },
  },
};
