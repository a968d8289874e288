// The yardstick: Fastify answers ready bytes from Redis, and with TRACED=1 sends one hand-made X-Ray segment a request.
'use strict'
const fastify = require('fastify')({ logger: false })
const Redis = require('ioredis')

const redis = new Redis(process.env.REDIS_URL)
const service = 'yardstick'

if (process.env.TRACED === '1') {
  const xray = require('aws-xray-sdk-core')
  xray.setContextMissingStrategy('IGNORE_ERROR')
  fastify.addHook('onRequest', (request, reply, done) => {
    request.segment = new xray.Segment(service)
    done()
  })
  fastify.addHook('onResponse', (request, reply, done) => {
    const segment = request.segment
    segment.addAnnotation('http_method', request.method)
    segment.addAnnotation('http_url', request.url)
    segment.addAnnotation('http_status', reply.statusCode)
    segment.close()
    done()
  })
}

const answer = (key) => async (request, reply) => {
  const body = await redis.getBuffer(key)
  reply.header('Content-Type', 'application/json').header('X-Cache', 'hit')
  return body
}

fastify.get('/api/catalog/products', answer('yardstick:products'))
fastify.get('/api/catalog/categories', answer('yardstick:categories'))
fastify.get('/api/search', answer('yardstick:search'))

fastify.listen({ host: '127.0.0.1', port: Number(process.env.YARDSTICK_PORT) })
