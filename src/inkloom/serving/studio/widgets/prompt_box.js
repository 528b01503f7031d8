/* A text area over a copy of its own text, which ends in a suggestion. */
export default {
  template: `
    <div class="field prompt-box">
      <label :for="inputId">{{ label }}</label>
      <div class="layers">
        <div class="ghost" ref="ghost" aria-hidden="true">{{ current }}<span>{{ offered }}</span></div>
        <textarea ref="input" :id="inputId" :rows="rows" :placeholder="placeholder" :value="current" spellcheck="false"
          :aria-describedby="hint ? inputId + '-hint' : null"
          @input="take($event.target.value)" @keydown="press" @scroll="$refs.ghost.scrollTop = $event.target.scrollTop" />
      </div>
      <button v-if="offered" type="button" class="take" @click="accept">
        Take <q>{{ offered.trim() || "⎵" }}</q> <kbd>→</kbd>
      </button>
      <p class="visually-hidden" role="status">{{ offered ? "Suggestion: " + offered : "" }}</p>
      <p v-if="hint" :id="inputId + '-hint'" class="hint">{{ hint }}</p>
    </div>`,
  props: {
    label: String,
    value: String,
    revision: Number,
    placeholder: String,
    rows: Number,
    hint: String,
    suggestion: String,
    suggested_for: String,
  },
  emits: ["change", "submit"],
  data() {
    return { current: this.value };
  },
  watch: {
    revision() {
      this.current = this.value;
    },
  },
  computed: {
    inputId() {
      return `${this.$attrs.id}-input`;
    },
    offered() {
      return this.suggested_for === this.current ? this.suggestion : "";
    },
  },
  methods: {
    take(text) {
      this.current = text;
      this.$emit("change", text);
    },
    accept() {
      this.take(this.current + this.offered);
      this.$refs.input.focus();
    },
    press(event) {
      const input = this.$refs.input;
      const atEnd = input.selectionStart === input.value.length && input.selectionEnd === input.value.length;
      if (event.key === "ArrowRight" && atEnd && this.offered) {
        event.preventDefault();
        this.accept();
      } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        this.$emit("submit");
      }
    },
  },
};
