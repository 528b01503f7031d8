/* A control of HTML's own with its label, its value where that cannot be seen, and a hint. */
export default {
  template: `
    <div :class="['field', 'field-' + kind]">
      <label :for="controlId">
        <span>{{ label }}</span>
        <output v-if="kind === 'range'" :for="controlId">{{ shown }}</output>
      </label>
      <select v-if="kind === 'select'" v-bind="bound" :value="current" @change="take($event.target.value)">
        <option v-for="[value, text] in options" :key="value" :value="value">{{ text }}</option>
      </select>
      <textarea v-else-if="kind === 'textarea'" v-bind="bound" :value="current" @input="take($event.target.value)" />
      <input v-else-if="kind === 'checkbox'" type="checkbox" v-bind="bound" :checked="current"
        @change="take($event.target.checked)" />
      <input v-else :type="kind" v-bind="bound" :value="current" @input="take($event.target.value)" />
      <p v-if="complaint" :id="controlId + '-complaint'" class="complaint" role="alert">{{ complaint }}</p>
      <p v-if="hint" :id="controlId + '-hint'" class="hint">{{ hint }}</p>
    </div>`,
  props: {
    kind: String,
    label: String,
    value: null,
    hint: String,
    complaint: String,
    options: Array,
    named: Object,
    control: Object,
    enabled: Boolean,
    revision: Number, // tells that the server set the value, even to what it had set before
  },
  emits: ["change"],
  data() {
    return { current: this.value };
  },
  watch: {
    revision() {
      this.current = this.value;
    },
  },
  computed: {
    controlId() {
      return `${this.$attrs.id}-control`;
    },
    bound() {
      const describedBy = [this.complaint && "complaint", this.hint && "hint"].filter(Boolean);
      return {
        ...this.control,
        id: this.controlId,
        disabled: !this.enabled,
        style: "opacity: 1 !important", // against Quasar, as in html.py
        "aria-describedby": describedBy.map((part) => `${this.controlId}-${part}`).join(" ") || null,
        "aria-invalid": this.complaint ? "true" : null,
        "aria-valuetext": this.kind === "range" ? this.shown : null,
      };
    },
    shown() {
      const places = (String(this.control.step ?? 1).split(".")[1] ?? "").length;
      return this.named[this.current] ?? Number(this.current).toFixed(places);
    },
  },
  methods: {
    take(value) {
      if (this.kind === "range" || this.kind === "number") value = value === "" ? null : Number(value);
      this.current = value;
      this.$emit("change", value);
    },
  },
};
