/* Chooses a file and sends it as it is, with its name in the address. */
export default {
  template: `
    <div class="field upload-box" :class="{ over }" @dragover.prevent="over = true" @dragleave="over = false"
      @drop.prevent="send($event.dataTransfer.files[0])">
      <label :for="inputId">{{ label }}</label>
      <input type="file" :id="inputId" :accept="endings" :disabled="busy" :aria-describedby="inputId + '-said'"
        @change="send($event.target.files[0])" />
      <p :id="inputId + '-said'" role="status" :class="failed ? 'complaint' : 'hint'">{{ said }}</p>
    </div>`,
  props: { label: String, address: String, endings: String, most_bytes: Number },
  emits: ["stored"],
  data() {
    return { over: false, busy: false, failed: false, said: this.limits() };
  },
  computed: {
    inputId() {
      return `${this.$attrs.id}-input`;
    },
  },
  methods: {
    limits() {
      return `Plain text (${this.endings.replaceAll(",", ", ")}), up to ${this.most_bytes >> 20} MB. It stays on this machine.`;
    },
    async send(file) {
      this.over = false;
      if (!file) return;
      if (file.size > this.most_bytes) return this.fail(`${file.name} is larger than ${this.most_bytes >> 20} MB.`);
      this.busy = true;
      this.failed = false;
      this.said = `Reading ${file.name} …`;
      try {
        const response = await fetch(`${this.address}?name=${encodeURIComponent(file.name)}`, { method: "POST", body: file });
        const answer = await response.json();
        if (!response.ok) return this.fail(answer.error);
        this.said = [`${answer.characters.toLocaleString("en")} characters kept as ${answer.name}.`, ...answer.notices].join(" ");
        this.$emit("stored", answer.name);
      } catch {
        this.fail("The text could not be sent. Is the server still running?");
      } finally {
        this.busy = false;
      }
    },
    fail(message) {
      this.failed = true;
      this.said = message;
    },
  },
};
