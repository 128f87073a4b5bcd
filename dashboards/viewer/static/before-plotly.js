// plotly.js writes a style element for its maps as it loads, unless one with its id (a hash of 64 digits) is there.
// The policy forbids such styles and there are no maps here, so it is told that there is one; `plot.js` ends this.
document.getElementById = (id) => (/^[0-9a-f]{64}$/.test(id) ? document.head : Document.prototype.getElementById.call(document, id));
