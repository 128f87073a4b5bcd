// Which one number stands for many? Grafana's calculations; null where there is nothing to calculate from.

const finite = (values) => values.filter((value) => typeof value === "number" && Number.isFinite(value));

const total = (values) => values.reduce((sum, value) => sum + value, 0);

const quantile = (share) => (values) => {
  const sorted = finite(values).sort((one, two) => one - two);
  return sorted.length ? sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] : null;
};

const ofSome = (calculate) => (values) => {
  const some = finite(values);
  return some.length ? calculate(some) : null;
};

const CALCULATIONS = {
  lastNotNull: ["Last", (values) => values.findLast((value) => value !== null && !Number.isNaN(value)) ?? null],
  last: ["Last", (values) => values.at(-1) ?? null],
  firstNotNull: ["First", (values) => values.find((value) => value !== null) ?? null],
  first: ["First", (values) => values[0] ?? null],
  sum: ["Sum", ofSome(total)],
  mean: ["Mean", ofSome((some) => total(some) / some.length)],
  min: ["Min", ofSome((some) => some.reduce((one, two) => Math.min(one, two)))],
  max: ["Max", ofSome((some) => some.reduce((one, two) => Math.max(one, two)))],
  range: ["Range", ofSome((some) => some.reduce((one, two) => Math.max(one, two)) - some.reduce((one, two) => Math.min(one, two)))],
  count: ["Count", (values) => values.length],
  diff: ["Difference", ofSome((some) => some.at(-1) - some[0])],
  diffperc: ["Change", ofSome((some) => (some[0] ? (some.at(-1) - some[0]) / some[0] : null))],
  median: ["Median", quantile(0.5)],
  p95: ["p95", quantile(0.95)],
  p99: ["p99", quantile(0.99)],
  distinctCount: ["Distinct", (values) => new Set(values).size],
};

export function reduce(values, name) {
  return (CALCULATIONS[name] ?? CALCULATIONS.lastNotNull)[1](values);
}

export function calculationTitle(name) {
  return CALCULATIONS[name]?.[0] ?? name;
}

/** Is it counted, and not in the field's unit? */
export function isCount(name) {
  return name === "count" || name === "distinctCount";
}

/**
 * What a panel of single values shows: one for each field, or one for each row when it asks for all values.
 * @returns {Array<{title: string, value: *, field: Field, row: number, values: Array}>}
 */
export function singles(frames, options = {}, expression = () => null) {
  const { calcs = ["lastNotNull"], fields = "", values: all = false, limit = 100 } = options.reduceOptions ?? {};
  const found = [];
  for (const frame of frames) {
    const chosen = frame.fields.filter((one) => wanted(one, fields, expression));
    const label = frame.fields.find((one) => one.kind === "string" && !chosen.includes(one));
    for (const one of chosen) {
      if (all) {
        for (let row = 0; row < Math.min(one.values.length, limit); row += 1) {
          const title = label ? String(label.values[row]) : one.title;
          found.push({ title: chosen.length > 1 && label ? `${title} ${one.title}` : title, value: one.values[row], field: one, row, values: [one.values[row]], frame });
        }
      } else if (one.values.length) {
        found.push({ title: one.title, value: reduce(one.values, calcs[0]), field: one, row: one.values.length - 1, values: one.values, frame });
      }
    }
  }
  return found;
}

function wanted(one, fields, expression) {
  if (fields === "") return one.kind === "number";
  const pattern = expression(fields);
  return fields === one.name || fields === one.title || Boolean(pattern?.test(one.title) || pattern?.test(one.name));
}

/** Change of a series from its first value to its last, as a share of the first; null where there is no first. */
export function change(values) {
  const some = finite(values);
  return some.length > 1 && some[0] !== 0 ? (some.at(-1) - some[0]) / Math.abs(some[0]) : null;
}
