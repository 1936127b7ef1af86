package dev.tritium.server;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.LastHttpContent;
import io.vertx.core.http.HttpServerRequest;

/**
 * Ends the request that was still coming behind an unanswered one when their connection closed.
 * Vert.x would throw instead (a request that has not begun has no response), tell nobody of the
 * close, and the connection would count towards their limit for ever.
 */
final class PipelinedRequests extends ChannelInboundHandlerAdapter {
  private int notBegun;
  private boolean coming;

  /** For each request as it begins, on its connection's thread. */
  static void begin(HttpServerRequest request) {
    ChannelHandlerContext vertx = ClientConnections.nettyContext(request);
    ChannelPipeline pipeline = vertx.pipeline();
    PipelinedRequests before = pipeline.get(PipelinedRequests.class);
    if (before != null) {
      before.notBegun--;
    } else if (!vertx.isRemoved()) { // it is once the connection has closed
      pipeline.addBefore(vertx.name(), null, new PipelinedRequests());
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    if (message instanceof HttpRequest) {
      notBegun++;
      coming = true;
    }
    if (message instanceof LastHttpContent) {
      coming = false;
    }
    context.fireChannelRead(message);
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    if (coming && notBegun > 0) {
      context.fireChannelRead(LastHttpContent.EMPTY_LAST_CONTENT);
    }
    context.fireChannelInactive();
  }
}
