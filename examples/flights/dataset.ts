/**
 * The data set that the job reads by default, from the npm package `vega-datasets`.
 */
import { fileURLToPath } from "node:url"

// The package exports its entry only; the data lie beside it.
const data = new URL("../data/", import.meta.resolve("vega-datasets"))

/** Three million flights in the United States in the first half of 2001. */
export const defaultInput: string = fileURLToPath(new URL("flights-3m.parquet", data))

/** The names of airports, by code. */
export const airportsFile: string = fileURLToPath(new URL("airports.csv", data))
