/* One button a token: its text, a bar, its probability. */
const visible = (text) => text.replace(/\n/g, "↵").replace(/\t/g, "⇥").replace(/^ +$/, "⎵");
const named = (text) => text.replace(/\n/g, "line end").replace(/\t/g, "tab").replace(/^ +$/, "space");
const percent = (share) => (share > 0 && share < 0.001 ? "< 0.1" : (100 * share).toFixed(share < 0.0995 ? 1 : 0)) + " %";

export default {
  template: `
    <ol class="bars" :aria-label="label">
      <li v-for="([text, own, drawn], place) in rows" :key="place">
        <button type="button" :class="{ dropped: drawn === 0 }" @click="$emit('pick', place)"
          :aria-label="named(text) + ': drawn with ' + percent(drawn) + ', the model gave ' + percent(own)">
          <span class="token-name">{{ visible(text) }}</span>
          <span class="track"><i :style="{ width: 100 * drawn / longest + '%' }"></i><u v-if="own !== drawn" :style="{ left: 100 * own / longest + '%' }"></u></span>
          <b>{{ drawn === 0 ? "dropped" : percent(drawn) }}</b>
        </button>
      </li>
    </ol>`,
  props: { label: String, rows: Array },
  emits: ["pick"],
  computed: {
    longest() {
      return Math.max(0.05, ...this.rows.map(([, own, drawn]) => Math.max(own, drawn)));
    },
  },
  methods: { visible, named, percent },
};
