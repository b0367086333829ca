/** Two kinds of desks, for the examples of this folder: both stamp papers, each does something else besides. */
import { Actor, Group } from "@troupe/runtime"
import { Layer, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"

const Stamp = Rpc.make("Stamp", { payload: { paper: Schema.String }, success: Schema.String })
const Close = Rpc.make("Close")

/** Whoever stamps. */
export const Stamping = RpcGroup.make(Stamp)

/** Whoever can be told to go home. */
export const Closing = RpcGroup.make(Close)

export const Open = Group.make("open desks", Stamping)

export const Customs = Actor.make("Customs", {
  protocol: RpcGroup.make(Stamp, Close, Rpc.make("Inspect")),
  args: Schema.Struct({ name: Schema.String })
})

export const Registrar = Actor.make("Registrar", {
  protocol: RpcGroup.make(Stamp, Close, Rpc.make("Marry")),
  args: Schema.Struct({ name: Schema.String })
})

const desk = {
  state: Schema.String,
  initial: ({ name }: { readonly name: string }) => name,
  handlers: {
    Stamp: (name: string, { paper }: { readonly paper: string }) => Actor.reply(name, `${paper}: ${name}`),
    Close: () => Actor.stop()
  }
}

export const DesksLive = Layer.merge(
  Customs.toLayer({ ...desk, handlers: { ...desk.handlers, Inspect: (name) => Actor.next(name) } }),
  Registrar.toLayer({ ...desk, handlers: { ...desk.handlers, Marry: (name) => Actor.next(name) } })
)
