/* The choice itself is made and kept by static/theme.js, before anything is painted. */
export default {
  template: `
    <label class="theme">
      <span class="visually-hidden">Colours</span>
      <select :value="chosen" @change="choose($event.target.value)">
        <option value="system">As the system</option>
        <option value="light">Light</option>
        <option value="dark">Dark</option>
      </select>
    </label>`,
  data() {
    return { chosen: chosenTheme() };
  },
  methods: {
    choose(theme) {
      this.chosen = theme;
      chooseTheme(theme);
    },
  },
};
