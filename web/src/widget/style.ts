const dark = `
  --bg: #1b1e1c; --sunk: #242826; --line: #343a36; --edge: #7d857f; --ink: #e9ebe8; --ink2: #aab1ac;
  --link: var(--link-dark); --soft: #17362c; --human: #e2ad63; --human-soft: #38290f;
  --danger: #f3978e; --danger-soft: #42211e; --shadow: 0 12px 40px rgb(0 0 0 / .5), 0 0 0 1px #343a36;`;

/** Everything the chat looks like; lives in the shadow root, so pages around it cannot interfere. */
export const style = `
:host {
  --solid: #0e6b54; --link-light: #0b5d49; --link-dark: #5cc3a0;
  --font: -apple-system, BlinkMacSystemFont, "Segoe UI", Inter, Roboto, "Noto Sans", Cantarell,
    "Liberation Sans", "Helvetica Neue", Arial, system-ui, sans-serif;
  --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace;
  all: initial; display: block; color-scheme: light dark; font-family: var(--font);
}
:host {
  --bg: #ffffff; --sunk: #f5f5f1; --line: #e4e4dd; --edge: #8b908b; --ink: #1c1f1d; --ink2: #555b56;
  --link: var(--link-light); --soft: #e6f1ec; --human: #8a520a; --human-soft: #fbf1e0;
  --danger: #a8231b; --danger-soft: #fbeae8; --shadow: 0 12px 40px rgb(20 25 22 / .16), 0 2px 8px rgb(20 25 22 / .08);
}
@media (prefers-color-scheme: dark) { :host(:not([theme=light])) {
  ${dark}
} }
:host([theme=dark]) {
  ${dark}
  color-scheme: dark;
}
:host([theme=light]) { color-scheme: light; }
*, *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }
.root { font: 400 15px/1.5 var(--font); color: var(--ink); -webkit-font-smoothing: antialiased; }
:host([mode=inline]) .root, :host([mode=page]) .root { height: 100%; }
:host([mode=inline]), :host([mode=page]) { height: 100%; }
button, textarea, input { font: inherit; color: inherit; letter-spacing: inherit; }
button { cursor: pointer; }
:focus { outline: none; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

.launcher { position: fixed; right: 20px; bottom: 20px; z-index: 2147483000; height: 56px; min-width: 56px; padding: 0 16px;
  border: 0; border-radius: 28px; background: var(--solid); color: #fff; box-shadow: var(--shadow);
  display: flex; align-items: center; justify-content: center; gap: 8px; transition: transform .15s ease; }
.launcher:hover { transform: translateY(-1px); }
.badge { position: absolute; top: -4px; right: -2px; min-width: 20px; height: 20px; padding: 0 6px; border-radius: 10px;
  background: #b3261e; color: #fff; font: 600 12px/20px var(--font); }

.panel { display: flex; flex-direction: column; background: var(--bg); overflow: hidden; height: 100%; position: relative; }
:host([mode=bubble]) .panel { position: fixed; right: 20px; bottom: 20px; z-index: 2147483001; width: 392px;
  height: min(680px, calc(100dvh - 40px)); border-radius: 16px; box-shadow: var(--shadow); animation: rise .18s ease-out; }
:host([mode=inline]) .panel { border: 1px solid var(--line); border-radius: 14px; }
@keyframes rise { from { opacity: 0; transform: translateY(10px); } }
@media (max-width: 480px) { :host([mode=bubble]) .panel { inset: 0; width: auto; height: 100dvh; border-radius: 0; } }

.head { display: flex; align-items: center; gap: 10px; padding: 10px 8px 10px 16px; border-bottom: 1px solid var(--line); flex: none; min-height: 60px; }
:host([mode=page]) .head { padding-inline: max(16px, calc(50% - 380px)) max(8px, calc(50% - 388px)); }
.face { width: 36px; height: 36px; flex: none; border-radius: 50%; background: var(--soft); color: var(--link);
  display: grid; place-items: center; font: 600 14px/1 var(--font); overflow: hidden; }
.face.human { background: var(--human-soft); color: var(--human); }
.face img { width: 100%; height: 100%; object-fit: cover; }
.who { flex: 1; min-width: 0; }
.who h2 { margin: 0; font: 600 15px/1.3 var(--font); white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.who p { margin: 0; font-size: 13px; line-height: 1.35; color: var(--ink2); white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.icon { width: 40px; height: 40px; flex: none; border: 0; border-radius: 10px; background: none; color: var(--ink2); display: grid; place-items: center; }
.icon:hover { background: var(--sunk); color: var(--ink); }
.anchor { position: relative; flex: none; display: flex; }
.menu { position: absolute; right: 0; top: 44px; z-index: 5; width: 264px; padding: 6px; background: var(--bg); border: 1px solid var(--line); border-radius: 12px; box-shadow: var(--shadow); }
.menu button { display: flex; align-items: center; gap: 10px; width: 100%; padding: 9px 10px; border: 0; border-radius: 8px; background: none; text-align: left; font-size: 14px; }
.menu button:hover, .menu button:focus-visible { background: var(--sunk); outline-offset: -2px; }
.menu button:disabled { color: var(--ink2); opacity: .6; cursor: default; }
.menu svg { color: var(--ink2); flex: none; }

.scroll { flex: 1; overflow-y: auto; overflow-anchor: none; overscroll-behavior: contain; padding: 16px; scrollbar-width: thin; scrollbar-color: var(--line) transparent; }
:host([mode=page]) .scroll { padding-inline: max(16px, calc(50% - 380px)); }
.earlier { display: block; margin: 0 auto 12px; border: 1px solid var(--line); border-radius: 16px; background: var(--bg); padding: 5px 13px; font-size: 13px; color: var(--ink2); }
.earlier:hover { color: var(--ink); background: var(--sunk); }
.log { display: flex; flex-direction: column; gap: 4px; }
.entry { display: flex; flex-direction: column; max-width: 88%; align-self: flex-start; min-width: 0; }
.entry.first { margin-top: 12px; }
.log > .entry:first-child { margin-top: 0; }
.entry.mine { align-self: flex-end; align-items: flex-end; }
.by { font-size: 12.5px; line-height: 1.3; color: var(--ink2); margin: 0 0 3px; display: flex; gap: 6px; align-items: baseline; }
.by b { font-weight: 600; color: var(--ink); }
.by .human { color: var(--human); }
.text { overflow-wrap: anywhere; padding: 8px 12px; border-radius: 4px 14px 14px 14px; background: var(--sunk); max-width: 100%; }
.mine .text { background: var(--solid); color: #fff; border-radius: 14px 4px 14px 14px; white-space: pre-wrap; }
.mine:not(.first) .text { border-top-right-radius: 14px; }
.entry:not(.first):not(.mine) .text { border-top-left-radius: 14px; }
.person .text { background: var(--human-soft); }
.pending .text { opacity: .72; }
.text > :first-child { margin-top: 0; } .text > :last-child { margin-bottom: 0; }
.text p { margin: 0 0 8px; } .text ul, .text ol { margin: 6px 0; padding-left: 22px; } .text li { margin: 3px 0; }
.text a { color: var(--link); text-underline-offset: 2px; } .mine .text a { color: inherit; }
.text code { font: .9em/1.4 var(--mono); background: color-mix(in srgb, var(--ink) 9%, transparent); padding: 1px 4px; border-radius: 4px; }
.text pre { margin: 8px 0; padding: 10px 12px; border-radius: 8px; background: var(--bg); border: 1px solid var(--line); overflow-x: auto; } .text pre code { background: none; padding: 0; }
.text blockquote { margin: 6px 0; padding-left: 10px; border-left: 3px solid var(--line); color: var(--ink2); }
.mark { border: 0; padding: 0 5px; margin: 0 1px 0 -1px; height: 18px; border-radius: 5px; background: var(--soft); color: var(--link); font: 600 11.5px/18px var(--font); vertical-align: 2px; }
.mark:hover { text-decoration: underline; }
.sources { margin-top: 6px; width: 100%; }
.sources > button, .source > button { display: flex; align-items: center; gap: 6px; border: 0; background: none; padding: 3px 4px; margin-left: -4px; border-radius: 6px; font-size: 13px; color: var(--ink2); text-align: left; }
.sources > button:hover, .source > button:hover { color: var(--ink); background: var(--sunk); }
.sources svg { flex: none; transition: transform .12s; } .sources [aria-expanded=true] > svg { transform: rotate(90deg); }
.sources > div, .source > div { scroll-margin-bottom: 20px; }
.source { border-left: 2px solid var(--line); padding-left: 10px; margin: 2px 0 2px 6px; }
.source .n { flex: none; min-width: 18px; height: 18px; border-radius: 5px; background: var(--soft); color: var(--link); font: 600 11.5px/18px var(--font); text-align: center; }
.source q { display: block; quotes: none; margin: 2px 0 6px; padding: 8px 10px; background: var(--sunk); border-radius: 8px; font-size: 13.5px; line-height: 1.45; white-space: pre-wrap; overflow-wrap: anywhere; max-height: 220px; overflow-y: auto; }
.source a { font-size: 13px; color: var(--link); display: inline-block; margin-bottom: 6px; }
.when { font-size: 12px; color: var(--ink2); margin-top: 3px; display: flex; gap: 8px; align-items: center; }
.when.bad { color: var(--danger); }
.link { border: 0; background: none; padding: 2px 4px; margin: -2px -4px; border-radius: 4px; color: var(--link); font-size: inherit; text-decoration: underline; text-underline-offset: 2px; }
.system { align-self: center; text-align: center; max-width: 92%; font-size: 13px; line-height: 1.4; color: var(--ink2); padding: 8px 0 4px; }
.day { align-self: center; font-size: 12px; color: var(--ink2); padding: 8px 0 2px; }
.dots { display: inline-flex; gap: 4px; align-items: center; height: 22px; padding: 0 2px; }
.dots i { width: 6px; height: 6px; border-radius: 50%; background: var(--ink2); animation: beat 1.2s infinite; } .dots i:nth-child(2) { animation-delay: .15s; } .dots i:nth-child(3) { animation-delay: .3s; }
@keyframes beat { 0%, 60%, 100% { opacity: .3; } 30% { opacity: 1; } }
.caret::after { content: ""; display: inline-block; width: 2px; height: 1em; margin-left: 2px; vertical-align: -2px; background: var(--link); animation: beat 1s infinite; }
.chips { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 14px; }
.chips button { border: 1px solid var(--edge); border-radius: 18px; background: var(--bg); padding: 6px 13px; font-size: 14px; line-height: 1.4; text-align: left; }
.chips button:hover { border-color: var(--link); color: var(--link); background: var(--soft); }
.latest { position: absolute; left: 50%; bottom: 12px; transform: translateX(-50%); display: flex; align-items: center; gap: 6px; padding: 6px 12px; border: 1px solid var(--line); border-radius: 16px; background: var(--bg); box-shadow: var(--shadow); font-size: 13px; }
.stage { position: relative; flex: 1; min-height: 0; display: flex; flex-direction: column; }

.strip { flex: none; display: flex; align-items: center; gap: 8px; padding: 8px 16px; font-size: 13.5px; line-height: 1.4; border-top: 1px solid var(--line); background: var(--sunk); color: var(--ink); }
:host([mode=page]) .strip { padding-inline: max(16px, calc(50% - 380px)); }
.strip span { flex: 1; } .strip.human { background: var(--human-soft); } .strip.bad { background: var(--danger-soft); }
.strip .icon { width: 28px; height: 28px; margin: -4px -8px -4px 0; }
.foot { flex: none; padding: 10px 12px 8px; border-top: 1px solid var(--line); }
:host([mode=page]) .foot { padding-inline: max(12px, calc(50% - 384px)); }
.box { display: flex; align-items: flex-end; gap: 4px; border: 1px solid var(--edge); border-radius: 12px; padding: 3px 3px 3px 12px; background: var(--bg); }
.box:focus-within { border-color: var(--link); box-shadow: 0 0 0 1px var(--link); }
.box textarea { flex: 1; min-width: 0; border: 0; background: none; resize: none; padding: 7px 0; max-height: 140px; min-height: 36px; field-sizing: content; line-height: 22px; font-size: 15px; }
.box textarea:focus-visible { outline: none; } .box textarea::placeholder { color: var(--ink2); opacity: 1; }
@media (max-width: 480px) { .box textarea { font-size: 16px; } }
.go { width: 36px; height: 36px; flex: none; border: 0; border-radius: 9px; background: var(--solid); color: #fff; display: grid; place-items: center; }
.go:disabled { background: var(--sunk); color: var(--ink2); cursor: default; }
.under { display: flex; justify-content: space-between; gap: 12px; margin: 6px 4px 0; font-size: 12px; line-height: 1.4; color: var(--ink2); min-height: 17px; }
.over { text-align: center; padding: 6px; font-size: 14px; color: var(--ink2); }
.button { border: 1px solid var(--edge); border-radius: 9px; background: var(--bg); padding: 8px 14px; font-size: 14px; font-weight: 500; line-height: 1.3; }
.button:hover { background: var(--sunk); } .button.main { background: var(--solid); border-color: transparent; color: #fff; } .button.main:hover { filter: brightness(1.08); }
.sheet { position: absolute; inset: 0; z-index: 6; background: rgb(10 14 12 / .45); display: grid; place-items: end center; padding: 12px; }
:host([mode=page]) .sheet, :host([mode=inline]) .sheet { place-items: center; }
.card { width: 100%; max-width: 380px; background: var(--bg); border-radius: 14px; padding: 20px; box-shadow: var(--shadow); }
.card h3 { margin: 0 0 6px; font: 600 16px/1.35 var(--font); } .card p { margin: 0 0 14px; font-size: 14px; color: var(--ink2); }
.card .code { font: 600 28px/1.2 var(--mono); letter-spacing: .12em; text-align: center; padding: 14px; border-radius: 10px; background: var(--sunk); color: var(--ink); margin: 0 0 12px; user-select: all; }
.card input:focus-visible { outline-offset: -1px; }
.card input { width: 100%; border: 1px solid var(--edge); border-radius: 9px; background: var(--bg); padding: 9px 12px; margin: 0 0 12px; font: 600 18px/1.4 var(--mono); letter-spacing: .08em; text-transform: uppercase; }
.card label { font-size: 13px; color: var(--ink2); display: block; margin-bottom: 4px; }
.row { display: flex; gap: 8px; justify-content: flex-end; flex-wrap: wrap; }
.state { flex: 1; display: grid; place-content: center; justify-items: center; gap: 12px; padding: 24px; text-align: center; color: var(--ink2); font-size: 14px; }
.bones { flex: 1; padding: 20px 16px; display: flex; flex-direction: column; gap: 12px; } .bones i { display: block; height: 40px; border-radius: 12px; background: var(--sunk); animation: beat 1.6s infinite; }
@media (prefers-reduced-motion: reduce) { *, *::before, *::after { animation-duration: .001s !important; animation-iteration-count: 1 !important; transition: none !important; } .dots i { opacity: .7; } }
`;
