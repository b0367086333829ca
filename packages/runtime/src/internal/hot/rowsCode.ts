/**
 * Rows by generated code.
 *
 * **Contract**, **Invariant**, **Ordering**, **Allocation** and **Evidence**: see rows.ts.
 */
import { namer, type Rows, type Shape } from "./columns.ts"
import { NOTHING } from "./heap.ts"
import { fits, misfit, pick, READ, WRITE } from "./layout.ts"
import { at, copyBytes, copyManaged, define, keeper, save, viewOf, views } from "./rowFields.ts"

/** Rows by generated code. Only indices and sizes are printed; names, tables and codecs are passed in. */
export const generate = (shape: Shape): Rows => {
  const { columns } = shape
  const names = columns.map(({ name }) => name)
  const tables = columns.map((column) => column.tag === "choice" ? column.values : undefined)
  const coders = columns.map((column) => column.tag === "managed" ? column.coder : undefined)
  const kept = (i: number, then: string): string => {
    const [word, bit] = at(i)
    return `if ((t.${word} & ${bit}) === 0) { t.${word} |= ${bit}; ${then} }`
  }
  const parts = columns.map((column, i) => {
    const place = `t.a${i}[t.r]`
    const set = (fit: string, value: string) =>
      `if (${fit}) { ${kept(i, `t.u${i}[0] = ${place};`)} ${place} = ${value}; } else misfit(v, n[${i}]);`
    switch (column.tag) {
      case "scalar":
        return { get: `return ${place}`, set: set(fits[column.type][0], "v") }
      case "boolean":
        return { get: `return ${place} !== 0`, set: set("v === true || v === false", "v ? 1 : 0") }
      case "choice":
        return {
          get: `return pick(c[${i}], ${place}, n[${i}])`,
          set: `const k = c[${i}].indexOf(v); ${set("k >= 0", "k")}`
        }
      case "record": {
        const open =
          `const w = t.a${i}; w.o = t.r * ${column.stride}; const s = viewOf(t.chunk, ${i}, V[${i}]);`
        const keep = kept(i, `save(t.u${i}, w.u8, w.o);`)
        return {
          get: `${open} ${column.nested ? keep : ""} return s[n[${i}]]`,
          set: `${open} ${keep} s[n[${i}]] = v;`
        }
      }
      case "managed":
        return {
          get: `const h = ${place}; return h === ${NOTHING} ? undefined : t.chunk.heap.read(h, m[${i}])`,
          set: `const p = t.chunk.heap, h = ${
            column.optional ? `v === undefined ? ${NOTHING} : ` : ""
          }p.write(v, m[${i}]), b = ${place};
            ${kept(i, `t.u${i}[0] = b; ${place} = h; return;`)} p.free(b); ${place} = h;`
        }
    }
  })
  const bits = (i: number): string => {
    const [word, bit] = at(i)
    return `(t.${word} & ${bit}) !== 0`
  }
  const rollback = columns.map((column, i) => {
    const place = `t.a${i}[t.r]`
    switch (column.tag) {
      case "record":
        return `if (${bits(i)}) copyBytes(t.u${i}, 0, t.a${i}.u8, t.r * ${column.stride}, ${column.stride});`
      case "managed":
        return `if (${bits(i)}) { t.chunk.heap.free(${place}); ${place} = t.u${i}[0]; }`
      default:
        return `if (${bits(i)}) ${place} = t.u${i}[0];`
    }
  })
  const commit = columns.map((column, i) =>
    column.tag === "managed" ? `if (${bits(i)}) t.chunk.heap.free(t.u${i}[0]);` : ""
  )
  const read = columns.map((column, i) => {
    if (column.tag === "record") {
      return `const w${i} = t.a${i}; w${i}.o = t.r * ${column.stride};` +
        ` const s${i} = viewOf(t.chunk, ${i}, V[${i}])[READ](); if (n[${i}] in s${i}) define(x, n[${i}], s${i}[n[${i}]]);`
    }
    const get = parts[i]!.get.replace("return ", "")
    if (column.tag === "managed") {
      const value = `{ const h = t.a${i}[t.r]; ${
        column.optional ? `if (h !== ${NOTHING}) ` : ""
      }define(x, n[${i}], t.chunk.heap.read(h, m[${i}])); }`
      return value
    }
    return `define(x, n[${i}], ${get});`
  })
  const write = columns.map((column, i) =>
    column.tag === "record"
      ? `{ const w = t.a${i}; w.o = t.r * ${column.stride}; ${
        kept(i, `save(t.u${i}, w.u8, w.o);`)
      } viewOf(t.chunk, ${i}, V[${i}])[WRITE](value); }`
      : column.tag === "managed"
      ? `t.view[n[${i}]] = value[n[${i}]];`
      : `{ const v = value[n[${i}]]; ${parts[i]!.set} }`
  )
  const copy = columns.map((column, i) =>
    column.tag === "record"
      ? `copyBytes(f.arrays[${i}].u8, a * ${column.stride}, g.arrays[${i}].u8, b * ${column.stride}, ${column.stride});`
      : column.tag === "managed"
      ? `g.arrays[${i}][b] = copyManaged(f, f.arrays[${i}][a], g);`
      : `g.arrays[${i}][b] = f.arrays[${i}][a];`
  )
  const each = (line: (i: number) => string): string => columns.map((_, i) => line(i)).join("\n")
  const code = `"use strict";
class Cursor {
constructor(chunk) {
this.r = 0; this.d0 = 0; this.d1 = 0; this.chunk = chunk; const a = chunk.arrays;
${each((i) => `this.a${i} = a[${i}]; this.u${i} = keeper(k[${i}]);`)}
this.view = new View(this);
}
enter(chunk) { this.chunk = chunk; const a = chunk.arrays; ${each((i) => `this.a${i} = a[${i}];`)} }
rollback() { const t = this; ${rollback.join("\n")} t.d0 = 0; t.d1 = 0; }
commit() { const t = this; ${commit.join("")} }
read() { const t = this, x = {}; ${read.join("\n")} return x }
write(value) { const t = this; ${write.join("\n")} }
}
class View {
#t
constructor(t) { this.#t = t }
${
    each((i) =>
      `get [n[${i}]]() { const t = this.#t; ${parts[i]!.get} }\n` +
      `set [n[${i}]](v) { const t = this.#t; ${parts[i]!.set} }`
    )
  }
}
return { Cursor, copy(f, a, g, b) { ${copy.join("\n")} } }`
  const helpers = {
    misfit,
    pick,
    viewOf,
    save,
    copyBytes,
    copyManaged,
    define,
    keeper,
    READ,
    WRITE,
    n: names,
    c: tables,
    m: coders,
    k: columns,
    V: views(shape)
  }
  const { copy: copyRow, Cursor } = new Function(...Object.keys(helpers), code)(...Object.values(helpers))
  return {
    shape,
    cursor: (chunk) => new Cursor(chunk),
    copy: copyRow,
    named: namer(shape),
    // A function of its own for each handler: its calls, and the view's accessors in them, have feedback of their own.
    loop: () =>
      new Function(`return function(t, view, from, to, handler, payload, context) { ${loopCode(shape)} }`)(),
    fold: () => new Function(`return function(t, view, from, to, map, combine, initial) { ${foldCode} }`)()
  }
}

const foldCode = `
let all = initial;
for (let r = from; r < to; r++) {
  t.r = r;
  all = combine(all, map(view));
}
return all`

const loopCode = (shape: Shape): string => `
for (let r = from; r < to; r++) {
  t.r = r;${shape.managed ? " t.d0 = 0; t.d1 = 0;" : ""}
  const result = handler(view, payload, context);
  if (result !== undefined) context.settle(result);
  ${shape.managed ? "else t.commit();" : ""}
}`
