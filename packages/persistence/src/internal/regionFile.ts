/** Which file a kept region is, and what is left of files that were never finished. */
import * as Platform from "#platform"

/** Ends the names of files that nobody takes for what they will be. */
export const TEMPORARY = ".temporary"

const REGION = ".region"

/** Names are for people; files have the letters that every file system has, and never lead elsewhere. */
export const encode = (name: string): string =>
  encodeURIComponent(name).replace(/[.!'()*~]/g, (c) => `%${c.charCodeAt(0).toString(16)}`)

/** The name that a file's name stands for. */
export const decode = (file: string): string => decodeURIComponent(file)

/** The file of a region that is kept. */
export const pathOf = (directory: string, region: string): string =>
  Platform.join(directory, `${encode(region)}${REGION}`)

/** The names of the regions that a directory has. */
export const regionsIn = (directory: string): ReadonlyArray<string> =>
  Platform.list(directory).filter((name) => name.endsWith(REGION)).map((name) =>
    decode(name.slice(0, -REGION.length))
  )

/** A name next to another one, for a file that is not finished. */
export const temporary = (path: string): string => `${path}.${Platform.random32().toString(36)}${TEMPORARY}`

/** Removes what processes left that ended without closing their scopes: the lock of a living one is taken. */
export const removeLeft = (directory: string): void => {
  for (const name of Platform.list(directory)) {
    if (!name.endsWith(TEMPORARY)) continue
    const path = Platform.join(directory, name)
    const fd = Platform.open(path, "write")
    if (Platform.lock(path, fd)) Platform.remove(path)
    Platform.close(fd)
  }
}
