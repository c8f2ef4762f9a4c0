// A small pet shop to put a gateway in front of, so that `--upstream demo` needs nothing else. Floor 5.

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

const PETS = ['Ada the cat', 'Brahms the parrot', 'Cleo the tortoise'].map((name, i) => ({ id: i + 1, name }))

/** Starts it on a free port of this machine. @returns its address, and the server to close */
export async function demoUpstream(): Promise<{ readonly url: string; readonly server: Server }> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://demo')
    const [, , ...rest] = pathname.split('/')
    const id = /^\d+$/.test(rest[1] ?? '') ? Number(rest[1]) : undefined
    const pet = PETS.find(pet => pet.id === id)
    const found = rest.length < 2 ? { pets: PETS } : (pet ?? { message: `no pet ${rest[1]}` })
    request.resume()
    response.writeHead(rest.length > 1 && pet === undefined ? 404 : 200, { 'Content-Type': 'application/json' })
    response.end(`${JSON.stringify({ ...found, servedBy: `the demo upstream, ${request.method} ${pathname}` })}\n`)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, server }
}
