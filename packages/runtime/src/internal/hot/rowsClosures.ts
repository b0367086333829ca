/**
 * Rows by closures: the same as rowsCode.ts, where code may not be generated.
 *
 * **Contract**, **Invariant**, **Ordering**, **Allocation** and **Evidence**: see rows.ts.
 */
import { type Chunk, namer, type Rows, type Shape } from "./columns.ts"
import { NOTHING } from "./heap.ts"
import { fits, misfit, pick, READ, WRITE } from "./layout.ts"
import { at, copyBytes, copyManaged, define, keeper, save, viewOf, views } from "./rowFields.ts"

/** Rows by closures: for places that forbid code from strings. */
export const interpret = (shape: Shape): Rows => {
  const { columns } = shape
  const Views = views(shape)
  class Cursor {
    r = 0
    d0 = 0
    d1 = 0
    chunk: Chunk
    a: ReadonlyArray<any>
    readonly u: ReadonlyArray<any> = columns.map(keeper)
    readonly view: any
    constructor(chunk: Chunk) {
      this.chunk = chunk
      this.a = chunk.arrays
      this.view = new View(this)
    }
    enter(chunk: Chunk): void {
      this.chunk = chunk
      this.a = chunk.arrays
    }
    /** Whether the field is overwritten for the first time. */
    first(i: number): boolean {
      const [word, bit] = at(i)
      if ((this[word] & bit) !== 0) return false
      this[word] |= bit
      return true
    }
    has(i: number): boolean {
      const [word, bit] = at(i)
      return (this[word] & bit) !== 0
    }
    stand(i: number, stride: number): any {
      const window = this.a[i]
      window.o = this.r * stride
      return viewOf(this.chunk, i, Views[i]!)
    }
    keep(i: number): void {
      if (!this.first(i)) return
      const column = columns[i]!
      if (column.tag === "record") save(this.u[i], this.a[i].u8, this.r * column.stride)
      else this.u[i][0] = this.a[i][this.r]
    }
    get(i: number): any {
      const column = columns[i]!
      switch (column.tag) {
        case "scalar":
          return this.a[i][this.r]
        case "boolean":
          return this.a[i][this.r] !== 0
        case "choice":
          return pick(column.values, this.a[i][this.r], column.name)
        case "record": {
          const view = this.stand(i, column.stride)
          if (column.nested) this.keep(i)
          return view[column.name]
        }
        case "managed": {
          const handle = this.a[i][this.r]
          return handle === NOTHING ? undefined : this.chunk.heap!.read(handle, column.coder)
        }
      }
    }
    set(i: number, v: any): void {
      const column = columns[i]!
      switch (column.tag) {
        case "scalar":
          if (!fits[column.type][1](v)) return misfit(v, column.name)
          this.keep(i)
          this.a[i][this.r] = v
          return
        case "boolean":
          if (v !== true && v !== false) return misfit(v, column.name)
          this.keep(i)
          this.a[i][this.r] = v ? 1 : 0
          return
        case "choice": {
          const index = column.values.indexOf(v)
          if (index < 0) return misfit(v, column.name)
          this.keep(i)
          this.a[i][this.r] = index
          return
        }
        case "record": {
          const view = this.stand(i, column.stride)
          this.keep(i)
          view[column.name] = v
          return
        }
        case "managed": {
          const heap = this.chunk.heap!
          const handle = column.optional && v === undefined ? NOTHING : heap.write(v, column.coder)
          const before = this.a[i][this.r]
          if (this.first(i)) this.u[i][0] = before
          else heap.free(before)
          this.a[i][this.r] = handle
        }
      }
    }
    rollback(): void {
      columns.forEach((column, i) => {
        if (!this.has(i)) return
        if (column.tag === "record") {
          copyBytes(this.u[i], 0, this.a[i].u8, this.r * column.stride, column.stride)
          return
        }
        if (column.tag === "managed") this.chunk.heap!.free(this.a[i][this.r])
        this.a[i][this.r] = this.u[i][0]
      })
      this.d0 = 0
      this.d1 = 0
    }
    commit(): void {
      columns.forEach((column, i) => {
        if (column.tag === "managed" && this.has(i)) this.chunk.heap!.free(this.u[i][0])
      })
    }
    read(): any {
      const value = {}
      columns.forEach((column, i) => {
        const { name } = column
        if (column.tag === "record") {
          const record = this.stand(i, column.stride)[READ]()
          if (name in record) define(value, name, record[name])
        } else if (column.tag !== "managed" || !column.optional || this.a[i][this.r] !== NOTHING) {
          define(value, name, this.get(i))
        }
      })
      return value
    }
    write(value: any): void {
      columns.forEach((column, i) => {
        if (column.tag === "record") {
          const view = this.stand(i, column.stride)
          this.keep(i)
          view[WRITE](value)
        } else this.set(i, value[column.name])
      })
    }
  }
  class View {
    readonly #cursor: Cursor
    constructor(cursor: Cursor) {
      this.#cursor = cursor
    }
    static {
      columns.forEach(({ name }, i) =>
        Object.defineProperty(this.prototype, name, {
          configurable: true,
          enumerable: true,
          get(this: View) {
            return this.#cursor.get(i)
          },
          set(this: View, v: any) {
            this.#cursor.set(i, v)
          }
        })
      )
    }
  }
  return {
    shape,
    cursor: (chunk) => new Cursor(chunk),
    copy(from, row, to, there) {
      columns.forEach((column, i) => {
        if (column.tag === "record") {
          const { stride } = column
          copyBytes(from.arrays[i].u8, row * stride, to.arrays[i].u8, there * stride, stride)
        } else {
          const value = from.arrays[i][row]
          to.arrays[i][there] = column.tag === "managed" ? copyManaged(from, value, to) : value
        }
      })
    },
    named: namer(shape),
    loop: () => (cursor, view, from, to, handler, payload, context) => {
      for (let row = from; row < to; row++) {
        cursor.r = row
        if (shape.managed) {
          cursor.d0 = 0
          cursor.d1 = 0
        }
        const result = handler(view, payload, context)
        if (result !== undefined) context.settle(result)
        else if (shape.managed) cursor.commit()
      }
    },
    fold: () => (cursor, view, from, to, map, combine, initial) => {
      let all = initial
      for (let row = from; row < to; row++) {
        cursor.r = row
        all = combine(all, map(view))
      }
      return all
    }
  }
}
