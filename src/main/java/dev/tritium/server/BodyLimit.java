package dev.tritium.server;

import dev.tritium.api.openai.ApiException;
import dev.tritium.api.openai.ErrorKind;
import jakarta.enterprise.inject.Instance;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.ext.Provider;
import jakarta.ws.rs.ext.ReaderInterceptor;
import jakarta.ws.rs.ext.ReaderInterceptorContext;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/** Counts the bytes of bodies that come in chunks: {@link HttpEdge} sees no length for them. */
@Provider
public class BodyLimit implements ReaderInterceptor {
  private final Instance<TritiumConfig> config; // made before the settings can be read

  BodyLimit(Instance<TritiumConfig> config) {
    this.config = config;
  }

  @Override
  public Object aroundReadFrom(ReaderInterceptorContext context)
      throws IOException, WebApplicationException {
    context.setInputStream(new Counting(context.getInputStream(), config.get().maxBodyBytes()));
    return context.proceed();
  }

  static ApiException tooLarge(long maxBytes) {
    return new ApiException(
        ErrorKind.BODY_TOO_LARGE,
        null,
        "the body is larger than %d bytes (tritium.max-body-bytes)".formatted(maxBytes));
  }

  private static final class Counting extends FilterInputStream {
    private final long maxBytes;
    private long bytes;

    Counting(InputStream in, long maxBytes) {
      super(in);
      this.maxBytes = maxBytes;
    }

    @Override
    public int read() throws IOException {
      int value = super.read();
      count(value < 0 ? 0 : 1);
      return value;
    }

    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
      int read = super.read(buffer, offset, length);
      count(Math.max(read, 0));
      return read;
    }

    private void count(int read) {
      bytes += read;
      if (bytes > maxBytes) {
        throw tooLarge(maxBytes);
      }
    }
  }
}
